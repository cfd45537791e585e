"""What is known of a stream that one looks at again and again: drift, means, and alarms that hold at every look."""
