"""A result behind a protocol, and a gateway that sends each request to the model that earns it."""
