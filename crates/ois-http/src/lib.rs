//! The server's doors: HTTP routes, the WebSocket, the page.
