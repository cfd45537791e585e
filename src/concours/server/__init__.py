"""The platform: competitions that are hosted for people, their accounts, API and pages."""
