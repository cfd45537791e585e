"""What leaves a site, bounded and blurred, and what an attack still finds in it."""
