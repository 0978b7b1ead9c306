package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/tunelab/tunelab/framework/plugin/wire"
)

// What gRPC itself says with a code that a plugin may also give, with words of
// its own: of a message above the limit, and of a service or method that is not
// there. The texts are those of grpc-go, of the C core (Python, C++, Ruby, C#),
// of grpc-java and of grpc-js; an empty one is the C core's.
var (
	tooLarge = regexp.MustCompile(`(?i)message (after decompression )?larger than max|message exceeds maximum size`)
	unserved = regexp.MustCompile(`(?i)^$|^unknown (service|method) |^method not found|^method (\S+ )?not implemented!?$|does not implement the method`)
)

// callError turns a failed call, made with ctx, into what happened: it was
// given up, the host ended the plugin, it crashed, or the plugin refused, in its
// own words.
func (c *Client) callError(ctx context.Context, err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	code, said := status.Code(err), status.Convert(err).Message()
	switch code {
	case codes.Canceled, codes.DeadlineExceeded:
		if why := c.givenUp(ctx, code); why != nil {
			return why
		}
	case codes.Unimplemented:
		if unserved.MatchString(said) {
			return &ProtocolError{c.Path, fmt.Errorf("it does not serve protocol %d (%s)", wire.Protocol, said)}
		}
	case codes.ResourceExhausted:
		if tooLarge.MatchString(said) {
			return &ProtocolError{c.Path, fmt.Errorf("a message is above the limit of %d MiB (%s)", wire.MaxMessage>>20, said)}
		}
	}
	if code == codes.Unavailable || code == codes.Internal || code == codes.Canceled || errors.Is(err, io.EOF) {
		if gone := c.ended(code == codes.Internal || code == codes.Canceled); gone != nil {
			return gone
		}
	}
	if _, ok := status.FromError(err); !ok {
		return err
	}
	if limit := c.exhausted(said); limit != nil {
		return limit
	}
	if said == "" {
		said = fmt.Sprintf("the plugin ended the call with the code %s and without a word", code)
	}
	return errors.New(said)
}

// givenUp is why this side no longer waits for the answer to a call; nil when
// it does, so that the code is the plugin's own.
func (c *Client) givenUp(ctx context.Context, code codes.Code) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	// The plugin has the deadline too, and may see it pass first.
	if d, ok := ctx.Deadline(); ok && code == codes.DeadlineExceeded && time.Until(d) < time.Second {
		return context.DeadlineExceeded
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return context.Canceled
	}
	return nil
}
