// Package frontend is the process that Jupyter starts and speaks with. It holds the
// sockets and the history, and watches over a worker in which cells run; when the
// worker dies it says so and starts another.
package frontend
