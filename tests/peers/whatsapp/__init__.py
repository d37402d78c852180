"""A WhatsApp on loopback that the real library talks to: CONNECT proxy, TLS, WebSocket, Noise, pairing, login. No message bodies."""
