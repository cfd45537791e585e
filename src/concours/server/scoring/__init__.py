"""What scores: hosted boards are driven, and shown in tables that follow from their journals."""
