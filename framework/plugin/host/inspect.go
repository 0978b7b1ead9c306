package host

import (
	"context"

	pb "github.com/tunelab/tunelab/framework/plugin/proto/tunelab/plugin/v1"
)

// PID is the plugin's process, and the number of its process group.
func (c *Client) PID() int { return c.pid() }

// Health asks whether the plugin can still make progress.
func (c *Client) Health(ctx context.Context) error {
	_, err := c.rpc.Health(ctx, &pb.HealthRequest{})
	return c.callError(ctx, err)
}
