"""Studies: the tables and figures of papers, stated as data in conf/study."""
