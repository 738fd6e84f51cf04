"""The HTML report: what it holds, and the template, styles and script that show it."""
