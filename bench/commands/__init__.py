"""The commands, a file a group: parse, call a stage, print. To add one: a function here, a name in bench.cli."""
