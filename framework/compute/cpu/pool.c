// Fork-join threads: workers spin briefly for the next call and then sleep.
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
  int threads;
  pthread_t *ids;
  scratch *scr;
  pthread_mutex_t mu;
  pthread_cond_t wake;
  // The call in progress: written before gen is raised.
  tl_fn fn;
  tl_args *args;
  int nt;
  _Atomic unsigned gen;
  _Atomic int left;     // workers that have not finished this call
  _Atomic int sleeping; // workers waiting on wake
  _Atomic int stop;
};

typedef struct {
  tl_pool *p;
  int tid;
} start;

static void *worker(void *v) {
  start s = *(start *)v;
  free(v);
  tl_pool *p = s.p;
  unsigned seen = 0;
  for (;;) {
    int spins = 0;
    while (atomic_load_explicit(&p->gen, memory_order_acquire) == seen) {
      if (++spins < SPINS) {
        tl_pause();
        continue;
      }
      pthread_mutex_lock(&p->mu);
      atomic_fetch_add(&p->sleeping, 1);
      while (atomic_load(&p->gen) == seen) pthread_cond_wait(&p->wake, &p->mu);
      atomic_fetch_sub(&p->sleeping, 1);
      pthread_mutex_unlock(&p->mu);
    }
    seen = atomic_load_explicit(&p->gen, memory_order_acquire);
    if (atomic_load(&p->stop)) return NULL;
    if (s.tid < p->nt) p->fn(p->args, s.tid, p->nt);
    atomic_fetch_sub_explicit(&p->left, 1, memory_order_release);
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
    start *s = malloc(sizeof *s);
    if (!s) break;
    s->p = p;
    s->tid = i;
    if (pthread_create(&p->ids[i], NULL, worker, s)) {
      free(s);
      break;
    }
    p->threads = i + 1;
  }
  return p;
}

static void raise_gen(tl_pool *p) {
  atomic_fetch_add(&p->gen, 1);
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
  p->nt = nt;
  atomic_store(&p->left, p->threads - 1);
  raise_gen(p);
  fn(a, 0, nt);
  for (int spins = 0; atomic_load_explicit(&p->left, memory_order_acquire) > 0; spins++) {
    if (spins < 4 * SPINS)
      tl_pause();
    else
      sched_yield();
  }
}

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
  raise_gen(p);
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
  if (!strcmp(isa, "avx512")) return tl_kernels_avx512;
  if (!strcmp(isa, "avx2")) return tl_kernels_avx2;
  return tl_kernels_portable;
}
