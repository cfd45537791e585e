"""The platform: hosted competitions, their pages, their API, and what scores them."""
