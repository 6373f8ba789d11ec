"""What /metrics tells: counted as it happens in each process, added up in rows, shown by the web.

A process only adds to a few numbers of its own, which costs a microsecond and cannot fail; every
ten seconds they go into rows, which all processes share and no restart begins anew. So any node's
/metrics tells of the whole installation, and counters only rise. Lost are at most the last seconds
of a process that is killed.
"""
