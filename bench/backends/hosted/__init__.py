"""Paid clips behind an API, never paid for twice.

`engine` drives jobs from submit to file and writes every step into the run's `ledger`; a provider is a thin file of its
own that says how a request, a look at a job and an answer are spelt. To add one: a subclass of `backend.HostedBackend`,
a line in BACKENDS, its prices in prices.toml, a stand-in and a test.
"""
