"""Programs that fail as programs do: nobody catches the error, and an error tracker and the logs are told all."""
