"""Which of several offers a request goes to, with which probability, and what that came to."""
