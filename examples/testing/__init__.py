"""An application that sends mails, and its tests: with pytest, and with unittest."""
