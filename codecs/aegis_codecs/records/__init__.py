"""The Avro records: schemas, compiled codecs, wire format, leaf bodies, proposals."""
