package protocol

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strconv"
)

// Connection is what a connection file says.
type Connection struct {
	Transport string `json:"transport"` // tcp or ipc
	IP        string `json:"ip"`        // for ipc: the start of the sockets' paths
	Shell     int    `json:"shell_port"`
	Control   int    `json:"control_port"`
	Stdin     int    `json:"stdin_port"`
	IOPub     int    `json:"iopub_port"`
	Heartbeat int    `json:"hb_port"`
	Key       string `json:"key"`
	Scheme    string `json:"signature_scheme"`
	Name      string `json:"kernel_name"`
}

// ReadConnection reads a connection file.
func ReadConnection(file string) (*Connection, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("connection file: %w", err)
	}
	c := &Connection{Transport: "tcp", IP: "127.0.0.1", Scheme: "hmac-sha256"}
	if err := json.Unmarshal(raw, c); err != nil {
		return nil, fmt.Errorf("connection file %s: %w", file, err)
	}
	if c.Scheme != "hmac-sha256" {
		return nil, fmt.Errorf("connection file %s: signature_scheme %q is not known, only hmac-sha256", file, c.Scheme)
	}
	return c, nil
}

// Listen opens one of the connection's ports.
func (c *Connection) Listen(port int) (net.Listener, error) {
	switch c.Transport {
	case "tcp":
		return net.Listen("tcp", net.JoinHostPort(c.IP, strconv.Itoa(port)))
	case "ipc":
		path := fmt.Sprintf("%s-%d", c.IP, port)
		os.Remove(path) // of an earlier kernel with this connection file
		return net.Listen("unix", path)
	}
	return nil, fmt.Errorf("connection file: transport %q is neither tcp nor ipc", c.Transport)
}
