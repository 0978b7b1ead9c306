// The C side of the cpu engine: arguments, thread pool, kernel tables.
#ifndef TL_H
#define TL_H
#include <stddef.h>
#include <stdint.h>

typedef struct tl_pool tl_pool;

// The arguments of one kernel call: compute.Args with the buffers' addresses.
typedef struct {
  void *buf[12];
  int64_t i[12];
  double f[8];
  tl_pool *pool;
  int next; // units of work handed out so far, see tl_next
} tl_args;

// A kernel does part tid of nt of the work. Which part goes to which thread
// never changes a result.
typedef void (*tl_fn)(tl_args *a, int tid, int nt);

typedef struct {
  const char *name;
  tl_fn fn;
} tl_kernel;

// One table for each instruction set, ended by a null name. A table of an
// instruction set that this compiler does not target has no entries.
extern const tl_kernel tl_kernels_portable[];
extern const tl_kernel tl_kernels_avx2[];
extern const tl_kernel tl_kernels_avx512[];

// The table of an instruction set: "amx" and "avx512", "avx2", else portable.
const tl_kernel *tl_table(const char *isa);

int tl_has_avx2(void);
int tl_has_avx512(void);

// AMX: whether it may be used; the state that a thread needs around its use; one
// block of a product in bf16 (amx.c).
int tl_has_amx(void);
void tl_amx_begin(void);
void tl_amx_end(void);
void tl_amx_block(int kp, const float *a, const float *b, float *x);

tl_pool *tl_pool_new(int threads);
void tl_pool_free(tl_pool *p);
// Whether the pool's kernels use AMX; off at first.
void tl_amx_set(tl_pool *p, int on);
int tl_amx_on(const tl_pool *p);
// Runs fn on nt threads, the caller being one of them; nt is at most the pool's.
void tl_run(tl_pool *p, tl_fn fn, tl_args *a, int nt);
// The next unit of work of a call, from 0 up, over all its threads.
int tl_next(tl_args *a);
// Memory of the thread, 64-byte aligned, kept between calls; slot is 0 to 7.
void *tl_scratch(tl_pool *p, int tid, int slot, size_t bytes);

void *tl_alloc(size_t bytes);
void tl_zero(void *p, size_t bytes);
#endif
