"""Games: rules as functions of positions, matches between agents, and what their results amount to."""
