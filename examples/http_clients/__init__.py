"""Mail that goes out while the key of the mail service changes: with httpx, in coroutines, and with requests."""
