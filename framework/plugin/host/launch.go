package host

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc"

	"github.com/tunelab/tunelab/framework/plugin/living"
	pb "github.com/tunelab/tunelab/framework/plugin/proto/tunelab/plugin/v1"
	"github.com/tunelab/tunelab/framework/plugin/trust"
	"github.com/tunelab/tunelab/framework/plugin/wire"
	"github.com/tunelab/tunelab/framework/spec"
)

// LaunchOptions of Launch.
type LaunchOptions struct {
	Name      string        // the method it must describe itself as
	Log       io.Writer     // gets the plugin's stderr, up to 64 MiB; nil: only the tail is kept
	HungAfter time.Duration // default two minutes
	StartIn   time.Duration // it must have started by then; default one minute
	MaxMemory int64         // bytes resident, of it and what it starts; 0: no cap
	SHA256    string        // the binary must have this digest; "": any
	Limits    spec.Limits   // that the system enforces; Linux only
	Features  Features      // what it may ask of the host; nil: the host serves nothing
}

// Client is a launched plugin. One call to Run at most.
type Client struct {
	Path   string
	SHA256 string // of the binary
	Method spec.Method
	Schema spec.Schema

	opts   LaunchOptions
	plugin *goplugin.Client
	cmd    *exec.Cmd
	rpc    pb.MethodClient
	log    *tail
	end    context.CancelFunc // kills the process group, at any time
	socket string
	mark   *living.Marker

	services *services // nil: none

	meter  meter
	mu     sync.Mutex
	inputs map[string]Input // by run, that the plugin was given
	served spec.Cost        // of what the host computed for it
	peak   int64            // bytes, while it runs
	cpu    float64
	killed error // why the host ended it
	stop   chan struct{}
	closed bool
}

// environment is all that a plugin inherits: how to find its tools and where
// to put files, no secrets.
func environment() []string {
	var out []string
	for _, k := range []string{"PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "TZ", "GOMAXPROCS", "GODEBUG"} {
		if v, ok := os.LookupEnv(k); ok {
			out = append(out, k+"="+v)
		}
	}
	return out
}

// Launch starts a private copy of the plugin binary at path, which lies alone in
// its folder, and checks what it says it is.
func Launch(ctx context.Context, path string, o LaunchOptions) (*Client, error) {
	if o.HungAfter == 0 {
		o.HungAfter = 2 * time.Minute
	}
	if o.StartIn == 0 {
		o.StartIn = time.Minute
	}
	SweepSockets()
	socket, mark, err := socketDir()
	if err != nil {
		return nil, err
	}
	binary, sum, err := copyBinary(path, socket)
	if err != nil {
		err = fmt.Errorf("plugin %s: %w", path, err)
	} else if o.SHA256 != "" && sum != o.SHA256 {
		err = &RefusedError{cmp.Or(o.Name, "?"), path, fmt.Errorf("its sha256 is %s and was %s when it was checked: something replaced the file; install it again", sum, o.SHA256)}
	}
	if err != nil {
		_ = os.RemoveAll(socket) // a sweep tries again
		mark.Release()
		return nil, err
	}
	c := &Client{Path: path, SHA256: sum, opts: o, log: &tail{w: o.Log, left: logMost}, socket: socket, mark: mark, inputs: map[string]Input{}, stop: make(chan struct{})}
	life, end := context.WithCancel(context.Background())
	c.end = end
	c.cmd = exec.CommandContext(life, binary)
	c.cmd.Args[0] = path
	c.cmd.Cancel = func() error { return syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL) }
	c.cmd.Env = environment()
	c.cmd.SysProcAttr = processGroup()
	c.plugin = goplugin.NewClient(&goplugin.ClientConfig{
		HandshakeConfig:  wire.Handshake,
		VersionedPlugins: map[int]goplugin.PluginSet{wire.Protocol: {wire.Name: &dispenser{}}},
		RunnerFunc: func(_ hclog.Logger, wanted *exec.Cmd, _ string) (runner.Runner, error) {
			return newProcess(c, wanted)
		},
		SkipHostEnv:      true,
		AutoMTLS:         true,
		AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC},
		StartTimeout:     o.StartIn,
		SyncStdout:       c.log,
		SyncStderr:       c.log,
		Stderr:           c.log,
		Logger:           hclog.NewNullLogger(),
		UnixSocketConfig: &goplugin.UnixSocketConfig{TempDir: socket},
		GRPCDialOptions:  []grpc.DialOption{grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(wire.MaxMessage), grpc.MaxCallSendMsgSize(wire.MaxMessage))},
	})
	err = c.serve()
	if err == nil {
		err = c.connect(ctx)
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	go c.watch()
	return c, nil
}

func (c *Client) connect(ctx context.Context) error {
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // the parent-death signal is bound to the thread that forks; it must live on
		conn, err := c.plugin.Client()
		if err == nil {
			var raw any
			if raw, err = conn.Dispense(wire.Name); err == nil {
				c.rpc = raw.(pb.MethodClient)
			}
		}
		started <- err
		<-c.stop
	}()
	select {
	case err := <-started:
		if err != nil {
			return c.startError(err)
		}
	case <-ctx.Done():
		c.end()
		<-started
		return ctx.Err()
	}
	return c.introduce(ctx)
}

// introduce asks the plugin what it is.
func (c *Client) introduce(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c.supervise(ctx)
	d, err := c.rpc.Describe(ctx, &pb.DescribeRequest{})
	if err != nil {
		return c.callError(ctx, err)
	}
	var m spec.Method
	if err := json.Unmarshal(d.GetMethodJson(), &m); err != nil {
		return &ProtocolError{c.Path, fmt.Errorf("its description is not JSON: %w", err)}
	}
	c.mu.Lock()
	c.Method = m
	c.mu.Unlock()
	if c.opts.Name != "" && c.Method.Name != c.opts.Name {
		return &ProtocolError{c.Path, fmt.Errorf("it describes itself as %q, not %q", c.Method.Name, c.opts.Name)}
	}
	if m.ProtocolMinor > wire.Minor {
		return &RefusedError{m.Name, c.Path, fmt.Errorf("it needs plugin protocol %d.%d and this tunelab speaks %d.%d: update tunelab", wire.Protocol, m.ProtocolMinor, wire.Protocol, wire.Minor)}
	}
	if base := filepath.Base(c.Path); trust.IsPlugin(base) {
		n, err := trust.ParseName(base)
		if err == nil {
			err = n.Agrees(m.Name, m.Version, m.Protocols, m.ProtocolMinor)
		}
		if err != nil {
			return &RefusedError{m.Name, c.Path, err}
		}
	}
	s, err := c.rpc.Schema(ctx, &pb.SchemaRequest{})
	if err != nil {
		return c.callError(ctx, err)
	}
	if err := json.Unmarshal(s.GetSchemaJson(), &c.Schema); err != nil {
		return &ProtocolError{c.Path, fmt.Errorf("its schema is not JSON: %w", err)}
	}
	if sum, err := spec.Hash(c.Schema); err != nil || sum != c.Method.SchemaSHA256 {
		return &ProtocolError{c.Path, errors.New("its description names another schema than it gives")}
	}
	return nil
}

// startError tells a crash at start from a program that is no plugin.
func (c *Client) startError(err error) error {
	first, _, _ := strings.Cut(err.Error(), "\n")
	said, spoke := strings.CutPrefix(first, "Unrecognized remote plugin message: ")
	switch {
	case strings.Contains(first, "timeout while waiting for plugin to start"):
		return &HungError{Plugin: c.Path, After: c.opts.StartIn, Log: c.log.String()}
	case spoke && said != "":
		return &ProtocolError{c.Path, fmt.Errorf("it printed %q to stdout where the handshake belongs", said)}
	case spoke || strings.Contains(first, "plugin exited before we could connect"):
		c.exited()
		if err := c.limited(c.state()); err != nil {
			return err
		}
		if st := c.state(); st == nil || !st.Success() {
			return &CrashedError{Plugin: c.name(), State: stateText(st) + " before the handshake" + c.tight(), Log: c.log.String()}
		}
		return &ProtocolError{c.Path, errors.New("it ended without a word of the protocol")}
	}
	if strings.Contains(first, syscall.EACCES.Error()) && unix.Access(c.Path, unix.X_OK) == nil {
		return fmt.Errorf("plugin %s: its copy under %s may not be executed: set TMPDIR to a folder of a file system that is not mounted noexec (%s)", c.Path, os.TempDir(), first)
	}
	return &ProtocolError{c.Path, errors.New(strings.ReplaceAll(first, c.cmd.Path, c.Path))}
}

// tight says that a program may have found too little address space to start,
// which some answer with a fault instead of a word.
func (c *Client) tight() string {
	if most := c.opts.Limits.AddressSpaceBytes; most > 0 {
		return fmt.Sprintf(", within an address space of %d bytes (budget.limits.%s), which may be too little", most, limitSpace)
	}
	return ""
}

// watch samples memory and CPU of the plugin and what it started, and enforces
// the cap.
func (c *Client) watch() {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		memory, cpu := c.meter.read(c.pid(), c.opts.MaxMemory)
		c.mu.Lock()
		c.peak, c.cpu = max(c.peak, memory), max(c.cpu, cpu)
		over := c.opts.MaxMemory > 0 && memory > c.opts.MaxMemory
		c.mu.Unlock()
		if over {
			c.kill(&MemoryError{Plugin: c.name(), Used: memory, Most: c.opts.MaxMemory})
			return
		}
		select {
		case <-c.stop:
			return
		case <-tick.C:
		}
	}
}

// name is how errors call the plugin: by its method, once it has said it.
func (c *Client) name() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.Method.Name != "" {
		return c.Method.Name
	}
	return c.Path
}

func (c *Client) pid() int {
	if c.cmd.Process == nil {
		return 0
	}
	return c.cmd.Process.Pid
}

// kill ends the whole process group and remembers why.
func (c *Client) kill(why error) {
	c.mu.Lock()
	if c.killed == nil {
		c.killed = why
	}
	c.mu.Unlock()
	c.end()
}

// Usage gives CPU seconds, user and system, and peak resident bytes so far, of
// the plugin and the processes that it started in its group.
func (c *Client) Usage() (cpuSeconds float64, peakBytes int64) {
	memory, cpu := c.meter.read(c.pid(), 0)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cpu, c.peak = max(c.cpu, cpu), max(c.peak, memory)
	cpuSeconds, peakBytes = c.cpu, c.peak
	if st := c.state(); st != nil { // with the children that it waited for
		cpuSeconds = max(cpuSeconds, (st.UserTime() + st.SystemTime()).Seconds())
		if ru, ok := st.SysUsage().(*syscall.Rusage); ok {
			peakBytes = max(peakBytes, maxRSS(ru))
		}
	}
	return cpuSeconds, peakBytes
}

// LogTail is the end of the plugin's stderr.
func (c *Client) LogTail() string { return c.log.String() }

// Close ends the plugin and every process it started, and removes its socket.
func (c *Client) Close() {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return
	}
	c.closed = true
	c.mu.Unlock()
	c.Usage() // the last that is seen of its children
	pid := c.pid()
	late := time.AfterFunc(closeGrace, c.end) // a plugin that hangs, or whose child holds its pipes
	c.plugin.Kill()
	late.Stop()
	if c.services != nil {
		c.services.server.Stop()
	}
	if pid > 0 {
		_ = syscall.Kill(-pid, syscall.SIGKILL) // what it started and left behind
	}
	c.end()
	close(c.stop)
	_ = os.RemoveAll(c.socket)
	c.mark.Release()
}

// closeGrace is how long a plugin may take to end when it is closed.
const closeGrace = time.Second

// exited waits a moment for the process to be reaped, which follows the end of
// its connection and its pipes.
func (c *Client) exited() bool {
	for range 100 {
		if c.plugin.Exited() {
			return true
		}
		time.Sleep(10 * time.Millisecond)
	}
	return false
}

// state is how the process ended; nil while it runs.
func (c *Client) state() *os.ProcessState {
	if !c.plugin.Exited() {
		return nil
	}
	return c.cmd.ProcessState
}

func stateText(st *os.ProcessState) string {
	if st == nil {
		return "it ended"
	}
	return st.String()
}

// dispenser is the go-plugin side of a client.
type dispenser struct {
	goplugin.NetRPCUnsupportedPlugin
}

func (*dispenser) GRPCClient(_ context.Context, _ *goplugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return pb.NewMethodClient(conn), nil
}

func (*dispenser) GRPCServer(*goplugin.GRPCBroker, *grpc.Server) error {
	return errors.New("the host serves nothing")
}
