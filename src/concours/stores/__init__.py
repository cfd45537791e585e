"""Where content lies: stores, and the forms in which arrays, tables and models lie in them."""
