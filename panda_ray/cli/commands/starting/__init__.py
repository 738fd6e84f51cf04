"""The first commands of somebody who has a file of rows."""
