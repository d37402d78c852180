"""What programs of others hear of a linked WhatsApp number, and ask of it, in the words of the gateways they were written for."""
