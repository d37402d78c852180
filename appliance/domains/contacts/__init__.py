"""People and companies we talk to: how to recognise them, what they agreed to, what happened with them."""
