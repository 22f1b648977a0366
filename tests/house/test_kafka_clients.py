"""Each Kafka client finds its brokers again by itself."""

from __future__ import annotations

import ast

from support.sources import sources

ADDRESS = "bootstrap.servers"
AGAIN = {"topic.metadata.refresh.interval.ms", "metadata.recovery.rebootstrap.trigger.ms"}


def test_who_names_the_brokers_says_when_to_ask_again() -> None:
    settings = [
        {ast.literal_eval(key) for key in node.keys if isinstance(key, ast.Constant)}
        for source in sources("streams")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Dict)
    ]
    named = [keys for keys in settings if ADDRESS in keys]
    assert len(named) >= 2
    assert [keys for keys in named if not keys >= AGAIN] == []
