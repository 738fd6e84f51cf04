"""What commands say in sentences."""
