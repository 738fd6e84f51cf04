"""Commands that stay until they are ended, or start what stays."""
