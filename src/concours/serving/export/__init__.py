"""Models of tables in other forms, which answer the same: the whole of one as a graph that another program runs."""
