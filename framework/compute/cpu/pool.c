// Fork-join threads: workers spin briefly for the next call and then sleep. A
// call is divided into nt parts, the same for every run; whoever is free takes
// the next part, so that the caller never waits for a worker that the system
// has not yet let run.
#define _GNU_SOURCE
#include "tl.h"
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <sys/mman.h>
#endif
#ifdef __x86_64__
#include <immintrin.h>
#define tl_pause() _mm_pause()
#elif defined(__aarch64__)
#define tl_pause() __asm__ __volatile__("yield")
#else
#define tl_pause() ((void)0)
#endif

enum { SPINS = 2000, SLOTS = 8, MAX_THREADS = 256 };

typedef struct {
  void *mem[SLOTS];
  size_t size[SLOTS];
  char pad[64];
} scratch;

struct tl_pool {
  int threads, amx;
  pthread_t *ids;
  scratch *scr;
  pthread_mutex_t mu;
  pthread_cond_t wake;
  // The call in progress: written before call, and not before left is 0 again.
  tl_fn fn;
  tl_args *args;
  _Atomic uint64_t call; // number of the call << 32 | parts << 16 | parts taken
  _Atomic int left;      // parts that have not finished
  _Atomic int sleeping; // workers waiting on wake
  _Atomic int stop;
};

// Takes parts of the call in progress and runs them. A part that was taken
// keeps the call, so fn and args hold until it is done.
static void take_parts(tl_pool *p) {
  uint64_t c = atomic_load_explicit(&p->call, memory_order_acquire);
  while ((c & 0xffff) < (c >> 16 & 0xffff)) {
    if (!atomic_compare_exchange_weak_explicit(&p->call, &c, c + 1, memory_order_acq_rel, memory_order_acquire)) continue;
    p->fn(p->args, (int)(c & 0xffff), (int)(c >> 16 & 0xffff));
    atomic_fetch_sub_explicit(&p->left, 1, memory_order_release);
    c = atomic_load_explicit(&p->call, memory_order_acquire);
  }
}

static uint32_t number(tl_pool *p) { return (uint32_t)(atomic_load(&p->call) >> 32); }

static void *worker(void *v) {
  tl_pool *p = v;
  uint32_t seen = 0;
  for (;;) {
    int spins = 0;
    while (number(p) == seen) {
      if (++spins < SPINS) {
        tl_pause();
        continue;
      }
      pthread_mutex_lock(&p->mu);
      atomic_fetch_add(&p->sleeping, 1);
      while (number(p) == seen) pthread_cond_wait(&p->wake, &p->mu);
      atomic_fetch_sub(&p->sleeping, 1);
      pthread_mutex_unlock(&p->mu);
    }
    seen = number(p);
    if (atomic_load(&p->stop)) return NULL;
    take_parts(p);
  }
}

tl_pool *tl_pool_new(int threads) {
  if (threads < 1) threads = 1;
  if (threads > MAX_THREADS) threads = MAX_THREADS;
  tl_pool *p = calloc(1, sizeof *p);
  if (!p) return NULL;
  p->ids = calloc((size_t)threads, sizeof *p->ids);
  p->scr = calloc((size_t)threads, sizeof *p->scr);
  if (!p->ids || !p->scr) return NULL;
  pthread_mutex_init(&p->mu, NULL);
  pthread_cond_init(&p->wake, NULL);
  p->threads = 1;
  for (int i = 1; i < threads; i++) {
    if (pthread_create(&p->ids[i], NULL, worker, p)) break;
    p->threads = i + 1;
  }
  return p;
}

// Publishes a call of nt parts, none for the end of the pool.
static void publish(tl_pool *p, int nt) {
  uint64_t c = atomic_load(&p->call);
  atomic_store(&p->call, ((c >> 32) + 1) << 32 | (uint64_t)nt << 16);
  if (atomic_load(&p->sleeping) > 0) {
    pthread_mutex_lock(&p->mu);
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->mu);
  }
}

void tl_run(tl_pool *p, tl_fn fn, tl_args *a, int nt) {
  if (nt > p->threads) nt = p->threads;
  a->pool = p;
  a->next = 0;
  if (nt <= 1) {
    fn(a, 0, 1);
    return;
  }
  p->fn = fn;
  p->args = a;
  atomic_store(&p->left, nt);
  publish(p, nt);
  take_parts(p);
  for (int spins = 0; atomic_load_explicit(&p->left, memory_order_acquire) > 0; spins++) {
    if (spins < 4 * SPINS)
      tl_pause();
    else
      sched_yield();
  }
}

void tl_amx_set(tl_pool *p, int on) { p->amx = on; }
int tl_amx_on(const tl_pool *p) { return p->amx; }

int tl_next(tl_args *a) { return __atomic_fetch_add(&a->next, 1, __ATOMIC_RELAXED); }

void *tl_alloc(size_t bytes) {
  size_t align = bytes >= (2u << 20) ? (2u << 20) : 64;
  void *m = NULL;
  if (posix_memalign(&m, align, bytes)) return NULL;
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  if (align > 64) madvise(m, bytes, MADV_HUGEPAGE);
#endif
  return m;
}

void tl_zero(void *m, size_t bytes) { memset(m, 0, bytes); }

void *tl_scratch(tl_pool *p, int tid, int slot, size_t bytes) {
  scratch *s = &p->scr[tid];
  if (s->size[slot] < bytes) {
    free(s->mem[slot]);
    bytes = (bytes + 4095) & ~(size_t)4095;
    s->mem[slot] = tl_alloc(bytes);
    if (!s->mem[slot]) {
      fprintf(stderr, "tunelab: out of memory for %zu bytes of kernel scratch\n", bytes);
      abort();
    }
    s->size[slot] = bytes;
  }
  return s->mem[slot];
}

void tl_pool_free(tl_pool *p) {
  atomic_store(&p->stop, 1);
  publish(p, 0);
  for (int i = 1; i < p->threads; i++) pthread_join(p->ids[i], NULL);
  for (int i = 0; i < p->threads; i++)
    for (int k = 0; k < SLOTS; k++) free(p->scr[i].mem[k]);
  pthread_mutex_destroy(&p->mu);
  pthread_cond_destroy(&p->wake);
  free(p->ids);
  free(p->scr);
  free(p);
}

int tl_has_avx2(void) {
#ifdef __x86_64__
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
  return 0;
#endif
}

int tl_has_avx512(void) {
#ifdef __x86_64__
  __builtin_cpu_init();
  return tl_has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#else
  return 0;
#endif
}

const tl_kernel *tl_table(const char *isa) {
  if (!strcmp(isa, "avx512") || !strcmp(isa, "amx")) return tl_kernels_avx512;
  if (!strcmp(isa, "avx2")) return tl_kernels_avx2;
  return tl_kernels_portable;
}
