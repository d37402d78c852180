"""WhatsApp numbers linked by QR: one child process per number that runs the library, and what watches over them."""
