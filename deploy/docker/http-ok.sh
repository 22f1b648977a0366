#!/bin/bash
# http-ok.sh PORT PATH: whether a server in this container answers 200. Needs nothing but bash.
set -euo pipefail
exec 3<> "/dev/tcp/127.0.0.1/$1"
printf 'GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n' "$2" >&3
read -r -t 4 status <&3
[[ "$status" == *" 200"* ]]
