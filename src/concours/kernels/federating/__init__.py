"""Updates of sites: what they come to together, and who among them stands out."""
