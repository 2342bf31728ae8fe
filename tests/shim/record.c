/* A recorder for power cuts: loaded with LD_PRELOAD, it writes down what a program does to one directory, in one order.
 *
 * What it knows it records, with the bytes; what it does not know, it refuses: the call is named in the trace and the
 * program aborts. Nothing passes in silence. The order is true because a change is made and written down under one lock;
 * a sync is written down where it begins and where it ends, for only what was done before its begin is durable at its end.
 *
 *   LETHE_RECORD_ROOT     the directory, absolute and without links; unset: the shim does nothing
 *   LETHE_RECORD_TRACE    the file the trace is appended to, outside the directory
 *   LETHE_RECORD_LOOSE    subdirectories (a,b) whose files may also be written with write() and O_APPEND
 *   LETHE_RECORD_ACK_FD   writes to this descriptor are acknowledgements (as is every send on a socket)
 *   LETHE_RECORD_ACK_PATH writes to what is opened under this name are acknowledgements
 *   LETHE_RECORD_SWALLOW  patterns (a;b) of files and directories whose syncs succeed without being done
 *   LETHE_RECORD_FAULTS   kind,pattern,nth,error,mode; more of them behind a semicolon:
 *       kind     write open truncate allocate rename unlink mkdir sync, or space (what needs room on the disk), or any
 *       pattern  of the path below the directory, as fnmatch(3): * matches slashes too
 *       error    EIO ENOSPC, or short: half of a write is done
 *       mode     once (the nth call), on (from the nth), until=PATH (from the nth until PATH exists)
 *
 * The trace is a row of entries: the struct below, then its name, second name and data. See tests/src/powercut/trace.rs.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { START = 1, OPEN, WRITE, TRUNCATE, ALLOCATE, SYNC_BEGIN, SYNC_END, RENAME, UNLINK, MKDIR, LINK, ACK, REFUSED, NOTE, FAULT };
enum { CREATED = 1, TRUNCATED = 2 };

struct entry {
    uint32_t magic;
    uint8_t op, flags;
    uint16_t error;
    uint32_t handle, zero;
    uint64_t offset, length;
    uint32_t name, name2, data, zero2;
};
#define MAGIC 0x52504c43u

/* What a descriptor is. A word: kind in the low byte, flags, the handle or channel in the high half. */
enum { UNKNOWN, OTHER, FILE_KIND, SOCKET_KIND, ACK_KIND };
#define IS_LOOSE 0x100u
#define IS_APPEND 0x200u
#define FDS 65536
#define HANDLES (1u << 20)
static _Atomic uint64_t fds[FDS];
static char *paths[HANDLES]; /* by handle: where it was opened */
static uint32_t handles = 1, channels = 1;
static uint64_t syncs;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int active, trace_fd = -1, ack_fd = -1;
static char root[PATH_MAX], *loose, *ack_path, *swallow;
static size_t root_len;

struct fault {
    char kind[16], pattern[256], until[PATH_MAX];
    int error, shorten, on;
    unsigned long nth, seen;
};
static struct fault faults[16];
static int fault_count;

#define REAL(ret, name, ...)                                   \
    static ret (*real_##name)(__VA_ARGS__);                    \
    __attribute__((unused)) static void find_##name(void) {    \
        if (!real_##name) real_##name = dlsym(RTLD_NEXT, #name); \
    }
REAL(int, open, const char *, int, ...)
REAL(int, openat, int, const char *, int, ...)
REAL(int, close, int)
REAL(int, closedir, DIR *)
REAL(int, fclose, FILE *)
REAL(int, dup, int)
REAL(int, dup2, int, int)
REAL(int, dup3, int, int, int)
REAL(int, fcntl, int, int, ...)
REAL(ssize_t, write, int, const void *, size_t)
REAL(ssize_t, writev, int, const struct iovec *, int)
REAL(ssize_t, pwrite, int, const void *, size_t, off_t)
REAL(ssize_t, pwritev, int, const struct iovec *, int, off_t)
REAL(ssize_t, pwritev2, int, const struct iovec *, int, off_t, int)
REAL(ssize_t, send, int, const void *, size_t, int)
REAL(ssize_t, sendto, int, const void *, size_t, int, const struct sockaddr *, socklen_t)
REAL(ssize_t, sendmsg, int, const struct msghdr *, int)
REAL(int, ftruncate, int, off_t)
REAL(int, truncate, const char *, off_t)
REAL(int, fallocate, int, int, off_t, off_t)
REAL(int, posix_fallocate, int, off_t, off_t)
REAL(int, fsync, int)
REAL(int, fdatasync, int)
REAL(int, sync_file_range, int, off64_t, off64_t, unsigned int)
REAL(int, syncfs, int)
REAL(int, rename, const char *, const char *)
REAL(int, renameat, int, const char *, int, const char *)
REAL(int, renameat2, int, const char *, int, const char *, unsigned int)
REAL(int, unlink, const char *)
REAL(int, unlinkat, int, const char *, int)
REAL(int, remove, const char *)
REAL(int, rmdir, const char *)
REAL(int, mkdir, const char *, mode_t)
REAL(int, mkdirat, int, const char *, mode_t)
REAL(int, link, const char *, const char *)
REAL(int, linkat, int, const char *, int, const char *, int)
REAL(int, symlink, const char *, const char *)
REAL(int, symlinkat, const char *, int, const char *)
REAL(void *, mmap, void *, size_t, int, int, int, off_t)
REAL(ssize_t, copy_file_range, int, off64_t *, int, off64_t *, size_t, unsigned int)
REAL(ssize_t, sendfile, int, int, off_t *, size_t)
REAL(ssize_t, splice, int, off64_t *, int, off64_t *, size_t, unsigned int)
REAL(long, syscall, long, ...)
REAL(int, close_range, unsigned int, unsigned int, int)

/* ---- the trace ---- */

static void die(const char *why) {
    static const char head[] = "record shim: ";
    find_write();
    (void)!real_write(2, head, sizeof head - 1);
    (void)!real_write(2, why, strlen(why));
    (void)!real_write(2, "\n", 1);
    abort();
}

static void put(struct entry e, const char *name, const char *name2, const struct iovec *data, int count, size_t bytes) {
    struct iovec out[3 + 64];
    if (count > 64) die("more than 64 buffers in one call");
    e.magic = MAGIC;
    e.name = name ? strlen(name) : 0;
    e.name2 = name2 ? strlen(name2) : 0;
    e.data = bytes;
    int n = 0;
    out[n++] = (struct iovec){&e, sizeof e};
    if (e.name) out[n++] = (struct iovec){(void *)name, e.name};
    if (e.name2) out[n++] = (struct iovec){(void *)name2, e.name2};
    for (int i = 0; i < count && bytes; i++) {
        size_t len = data[i].iov_len < bytes ? data[i].iov_len : bytes;
        if (len) out[n++] = (struct iovec){data[i].iov_base, len};
        bytes -= len;
    }
    find_writev();
    struct iovec *at = out;
    while (n) {
        ssize_t done = real_writev(trace_fd, at, n);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) die("the trace cannot be written");
        while (n && (size_t)done >= at->iov_len) done -= at->iov_len, at++, n--;
        if (n) at->iov_base = (char *)at->iov_base + done, at->iov_len -= done;
    }
}

static void put_plain(struct entry e, const char *name, const char *name2) { put(e, name, name2, NULL, 0, 0); }

/* Called with or without the lock: the program ends here. */
static void refuse(const char *call, const char *path) {
    put_plain((struct entry){.op = REFUSED}, call, path);
    char text[PATH_MAX + 128];
    snprintf(text, sizeof text, "refused, for it does not know what a power cut leaves of it: %s on %s", call, path ? path : "?");
    die(text);
}

static int error_of(const char *name) {
    if (!strcmp(name, "EIO")) return EIO;
    if (!strcmp(name, "ENOSPC")) return ENOSPC;
    if (!strcmp(name, "EDQUOT")) return EDQUOT;
    die("unknown error in LETHE_RECORD_FAULTS");
    return 0;
}

static void read_faults(const char *text) {
    char *copy = strdup(text), *outer = NULL, *inner;
    for (char *one = strtok_r(copy, ";", &outer); one; one = strtok_r(NULL, ";", &outer)) {
        if (fault_count == 16) die("more than 16 faults");
        struct fault *f = &faults[fault_count++];
        char *part[5] = {0};
        int n = 0;
        for (char *p = strtok_r(one, ",", &inner); p && n < 5; p = strtok_r(NULL, ",", &inner)) part[n++] = p;
        if (n != 5) die("a fault is kind,pattern,nth,error,mode");
        snprintf(f->kind, sizeof f->kind, "%s", part[0]);
        snprintf(f->pattern, sizeof f->pattern, "%s", part[1]);
        f->nth = strtoul(part[2], NULL, 10);
        if (!strcmp(part[3], "short")) f->shorten = 1;
        else f->error = error_of(part[3]);
        f->on = strcmp(part[4], "once") != 0;
        if (!strncmp(part[4], "until=", 6)) snprintf(f->until, sizeof f->until, "%s", part[4] + 6);
        else if (f->on && strcmp(part[4], "on")) die("the mode of a fault is once, on or until=PATH");
    }
    free(copy);
}

__attribute__((constructor)) static void begin(void) {
    const char *where = getenv("LETHE_RECORD_ROOT"), *trace = getenv("LETHE_RECORD_TRACE");
    if (!where || !trace || active) return;
    snprintf(root, sizeof root, "%s", where);
    root_len = strlen(root);
    find_open();
    find_fcntl();
    find_close();
    int fd = real_open(trace, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0) die("the trace cannot be opened");
    trace_fd = real_fcntl(fd, F_DUPFD_CLOEXEC, 900);
    if (trace_fd < 0) trace_fd = fd;
    else real_close(fd);
    char *v;
    if ((v = getenv("LETHE_RECORD_LOOSE"))) loose = strdup(v);
    if ((v = getenv("LETHE_RECORD_ACK_FD"))) ack_fd = atoi(v);
    if ((v = getenv("LETHE_RECORD_ACK_PATH"))) ack_path = strdup(v);
    if ((v = getenv("LETHE_RECORD_SWALLOW"))) swallow = strdup(v);
    if ((v = getenv("LETHE_RECORD_FAULTS"))) read_faults(v);
    if (ack_fd >= 0 && ack_fd < FDS) fds[ack_fd] = ACK_KIND;
    unsetenv("LD_PRELOAD"); /* what it starts is not it */
    put_plain((struct entry){.op = START, .length = 1}, root, NULL);
    active = 1;
}

/* ---- names ---- */

static void normalise(char *path) {
    char *out = path, *in = path;
    while (*in) {
        while (*in == '/') in++;
        size_t len = strcspn(in, "/");
        if (!len) break;
        if (len == 1 && in[0] == '.') {
        } else if (len == 2 && in[0] == '.' && in[1] == '.') {
            while (out > path && *--out != '/') {}
        } else {
            *out++ = '/';
            memmove(out, in, len);
            out += len;
        }
        in += len;
    }
    *out = 0;
}

/* The path below the root ("" is the root itself), in `buf`; NULL when it lies elsewhere. */
static const char *below(int dir, const char *path, char buf[PATH_MAX]) {
    if (!path) return NULL;
    if (path[0] == '/' && strncmp(path, root, root_len) && !strstr(path, "/.") && !strstr(path, "//")) return NULL;
    size_t at = 0;
    if (path[0] != '/') {
        if (dir == AT_FDCWD) {
            if (!getcwd(buf, PATH_MAX)) return NULL;
        } else {
            char link[64];
            snprintf(link, sizeof link, "/proc/self/fd/%d", dir);
            ssize_t n = readlink(link, buf, PATH_MAX - 1);
            if (n < 0) return NULL;
            buf[n] = 0;
        }
        at = strlen(buf);
        buf[at++] = '/';
    }
    if (at + strlen(path) + 2 > PATH_MAX) return NULL;
    strcpy(buf + at, path);
    normalise(buf);
    if (strncmp(buf, root, root_len) || (buf[root_len] && buf[root_len] != '/')) return NULL;
    return buf[root_len] ? buf + root_len + 1 : buf + root_len;
}

static int is_loose(const char *path) {
    if (!loose) return 0;
    for (const char *p = loose; *p;) {
        size_t len = strcspn(p, ",");
        if (len && !strncmp(path, p, len) && (path[len] == '/' || !path[len])) return 1;
        p += len;
        if (*p) p++;
    }
    return 0;
}

static int is_swallowed(const char *path) {
    if (!swallow) return 0;
    char copy[4096], *inner;
    snprintf(copy, sizeof copy, "%s", swallow);
    for (char *p = strtok_r(copy, ";", &inner); p; p = strtok_r(NULL, ";", &inner))
        if (!fnmatch(p, path, 0)) return 1;
    return 0;
}

/* ---- descriptors ---- */

static uint64_t known(int fd) { return fd >= 0 && fd < FDS ? atomic_load(&fds[fd]) : OTHER; }
static unsigned kind(uint64_t it) { return it & 0xff; }
static uint32_t handle(uint64_t it) { return it >> 32; }
static const char *path_of(uint64_t it) { return paths[handle(it)]; }
static void forget(int fd) {
    if (fd >= 0 && fd < FDS) atomic_store(&fds[fd], UNKNOWN);
}
static int is_file(int fd) { return active && kind(known(fd)) == FILE_KIND; }

static uint64_t look_at(int fd) {
    uint64_t it = known(fd);
    if (kind(it) != UNKNOWN) return it;
    struct stat s;
    int saved = errno;
    it = OTHER;
    if (!fstat(fd, &s) && S_ISSOCK(s.st_mode)) it = SOCKET_KIND | (uint64_t)__atomic_add_fetch(&channels, 1, __ATOMIC_SEQ_CST) << 32;
    errno = saved;
    atomic_store(&fds[fd], it);
    return it;
}

static void copy_fd(int from, int to) {
    if (active && to >= 0 && to < FDS) atomic_store(&fds[to], from == ack_fd ? OTHER : known(from));
}

/* ---- faults ---- */

enum { NO_FAULT = 0, SHORT_WRITE = -1 };

/* With the lock held. What to answer instead: an errno, SHORT_WRITE, or 0. */
static int fault(const char *what, int needs_room, const char *path) {
    for (int i = 0; i < fault_count; i++) {
        struct fault *f = &faults[i];
        int fits = !strcmp(f->kind, what) || !strcmp(f->kind, "any") || (needs_room && !strcmp(f->kind, "space"));
        if (!fits || fnmatch(f->pattern, path, 0)) continue;
        f->seen++;
        int fires = f->on ? f->seen >= f->nth : f->seen == f->nth;
        if (fires && f->until[0] && !access(f->until, F_OK)) fires = 0;
        if (!fires) continue;
        if (f->shorten && strcmp(what, "write")) continue;
        put_plain((struct entry){.op = FAULT, .error = f->error}, what, path);
        return f->shorten ? SHORT_WRITE : f->error;
    }
    return NO_FAULT;
}

#define FAIL_IF(what, room, path)                \
    do {                                         \
        int error_ = fault(what, room, path);    \
        if (error_ > 0) {                        \
            pthread_mutex_unlock(&lock);         \
            errno = error_;                      \
            return -1;                           \
        }                                        \
    } while (0)

/* ---- open and close ---- */

static int open_any(int dir, const char *path, int flags, mode_t mode) {
    find_openat();
    char buf[PATH_MAX];
    const char *rel = active ? below(dir, path, buf) : NULL;
    if (!rel) {
        int fd = real_openat(dir, path, flags, mode);
        if (active && fd >= 0 && fd < FDS) atomic_store(&fds[fd], ack_path && path && !strcmp(path, ack_path) ? ACK_KIND : OTHER);
        return fd;
    }
    if ((flags & O_TMPFILE) == O_TMPFILE) refuse("open with O_TMPFILE", rel);
    if (flags & O_DSYNC) refuse("open with O_DSYNC or O_SYNC", rel);
    pthread_mutex_lock(&lock);
    int was_there = faccessat(dir, path, F_OK, 0) == 0, changes = (flags & O_CREAT && !was_there) || flags & O_TRUNC;
    if (changes) FAIL_IF("open", !was_there, rel);
    int fd = real_openat(dir, path, flags, mode);
    int saved = errno;
    if (fd >= FDS) refuse("a descriptor beyond 65535", rel);
    if (fd >= 0) {
        if (handles == HANDLES) refuse("more than a million opens", rel);
        uint32_t h = handles++;
        paths[h] = strdup(rel);
        struct entry e = {.op = OPEN, .handle = h};
        if (flags & O_CREAT && !was_there) e.flags |= CREATED;
        else if (flags & O_TRUNC) e.flags |= TRUNCATED;
        put_plain(e, rel, NULL);
        atomic_store(&fds[fd], FILE_KIND | (is_loose(rel) ? IS_LOOSE : 0) | (flags & O_APPEND ? IS_APPEND : 0) | (uint64_t)h << 32);
    }
    pthread_mutex_unlock(&lock);
    errno = saved;
    return fd;
}

#define MODE_OF(flags)                                            \
    mode_t mode = 0;                                              \
    if ((flags) & O_CREAT || ((flags) & O_TMPFILE) == O_TMPFILE) { \
        va_list more;                                             \
        va_start(more, flags);                                    \
        mode = va_arg(more, mode_t);                              \
        va_end(more);                                             \
    }

int open(const char *path, int flags, ...) { MODE_OF(flags) return open_any(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE_OF(flags) return open_any(AT_FDCWD, path, flags, mode); }
int openat(int dir, const char *path, int flags, ...) { MODE_OF(flags) return open_any(dir, path, flags, mode); }
int openat64(int dir, const char *path, int flags, ...) { MODE_OF(flags) return open_any(dir, path, flags, mode); }
int creat(const char *path, mode_t mode) { return open_any(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
int creat64(const char *path, mode_t mode) { return creat(path, mode); }

int close(int fd) {
    find_close();
    if (fd == trace_fd && active) return errno = EBADF, -1;
    forget(fd);
    return real_close(fd);
}

int closedir(DIR *dir) {
    find_closedir();
    forget(dirfd(dir));
    return real_closedir(dir);
}

int fclose(FILE *file) {
    find_fclose();
    if (file) forget(fileno(file));
    return real_fclose(file);
}

int close_range(unsigned int first, unsigned int last, int flags) {
    find_close_range();
    if (active) refuse("close_range", NULL);
    return real_close_range(first, last, flags);
}

int dup(int fd) {
    find_dup();
    int to = real_dup(fd);
    copy_fd(fd, to);
    return to;
}

int dup2(int fd, int to) {
    find_dup2();
    int done = real_dup2(fd, to);
    if (done >= 0 && fd != to) copy_fd(fd, done);
    return done;
}

int dup3(int fd, int to, int flags) {
    find_dup3();
    int done = real_dup3(fd, to, flags);
    copy_fd(fd, done);
    return done;
}

static int fcntl_any(int fd, int command, void *argument) {
    find_fcntl();
    int done = real_fcntl(fd, command, argument);
    if (command == F_DUPFD || command == F_DUPFD_CLOEXEC) copy_fd(fd, done);
    return done;
}

#define FCNTL                             \
    va_list more;                         \
    va_start(more, command);              \
    void *argument = va_arg(more, void *); \
    va_end(more);                         \
    return fcntl_any(fd, command, argument);

int fcntl(int fd, int command, ...) { FCNTL }
int fcntl64(int fd, int command, ...) { FCNTL }

/* ---- bytes ---- */

static size_t total(const struct iovec *iov, int count) {
    size_t sum = 0;
    for (int i = 0; i < count; i++) sum += iov[i].iov_len;
    return sum;
}

/* A file of ours is written here and nowhere else. `offset` is -1 for a write at the descriptor's place. */
static ssize_t write_file(int fd, uint64_t it, const struct iovec *iov, int count, off_t offset, const char *call) {
    find_pwritev();
    find_writev();
    const char *path = path_of(it);
    if (!(it & IS_LOOSE) && (offset < 0 || it & IS_APPEND)) refuse(call, path);
    pthread_mutex_lock(&lock);
    int wrong = fault("write", 1, path);
    if (wrong > 0) {
        pthread_mutex_unlock(&lock);
        errno = wrong;
        return -1;
    }
    struct iovec half;
    if (wrong == SHORT_WRITE && total(iov, count) > 1) {
        half = (struct iovec){iov[0].iov_base, (iov[0].iov_len + 1) / 2};
        iov = &half;
        count = 1;
    }
    off_t at = offset;
    if (it & IS_APPEND) at = lseek(fd, 0, SEEK_END);
    else if (offset < 0) at = lseek(fd, 0, SEEK_CUR);
    ssize_t done = offset < 0 ? real_writev(fd, iov, count) : real_pwritev(fd, iov, count, offset);
    int saved = errno;
    if (done > 0) put((struct entry){.op = WRITE, .handle = handle(it), .offset = at}, NULL, NULL, iov, count, done);
    pthread_mutex_unlock(&lock);
    errno = saved;
    return done;
}

/* An answer leaves and is written down in one step; the lock is not held while the other side makes us wait. */
static ssize_t acknowledge(int fd, uint64_t it, const struct msghdr *m, int flags) {
    find_sendmsg();
    find_writev();
    for (;;) {
        pthread_mutex_lock(&lock);
        ssize_t done = kind(it) == SOCKET_KIND ? real_sendmsg(fd, m, flags | MSG_DONTWAIT) : real_writev(fd, m->msg_iov, m->msg_iovlen);
        int saved = errno;
        if (done > 0) put((struct entry){.op = ACK, .handle = handle(it)}, NULL, NULL, m->msg_iov, m->msg_iovlen, done);
        pthread_mutex_unlock(&lock);
        errno = saved;
        int waits = done < 0 && saved == EAGAIN && kind(it) == SOCKET_KIND && !(flags & MSG_DONTWAIT);
        find_fcntl();
        if (!waits || real_fcntl(fd, F_GETFL) & O_NONBLOCK) {
            errno = saved;
            return done;
        }
        struct pollfd p = {fd, POLLOUT, 0};
        poll(&p, 1, -1);
    }
}

static ssize_t answer(int fd, uint64_t it, const struct iovec *iov, int count, int flags) {
    struct msghdr m = {.msg_iov = (struct iovec *)iov, .msg_iovlen = count};
    return acknowledge(fd, it, &m, flags);
}

ssize_t write(int fd, const void *bytes, size_t len) {
    find_write();
    if (!active) return real_write(fd, bytes, len);
    uint64_t it = look_at(fd);
    struct iovec one = {(void *)bytes, len};
    switch (kind(it)) {
    case FILE_KIND: return write_file(fd, it, &one, 1, -1, "write");
    case SOCKET_KIND:
    case ACK_KIND: return answer(fd, it, &one, 1, 0);
    default: return real_write(fd, bytes, len);
    }
}

ssize_t writev(int fd, const struct iovec *iov, int count) {
    find_writev();
    if (!active) return real_writev(fd, iov, count);
    uint64_t it = look_at(fd);
    switch (kind(it)) {
    case FILE_KIND: return write_file(fd, it, iov, count, -1, "writev");
    case SOCKET_KIND:
    case ACK_KIND: return answer(fd, it, iov, count < 64 ? count : 64, 0);
    default: return real_writev(fd, iov, count);
    }
}

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t offset) {
    find_pwrite();
    if (!is_file(fd)) return real_pwrite(fd, bytes, len, offset);
    struct iovec one = {(void *)bytes, len};
    return write_file(fd, known(fd), &one, 1, offset, "pwrite");
}
ssize_t pwrite64(int fd, const void *bytes, size_t len, off64_t offset) { return pwrite(fd, bytes, len, offset); }

ssize_t pwritev(int fd, const struct iovec *iov, int count, off_t offset) {
    find_pwritev();
    if (!is_file(fd)) return real_pwritev(fd, iov, count, offset);
    return write_file(fd, known(fd), iov, count < 64 ? count : 64, offset, "pwritev");
}
ssize_t pwritev64(int fd, const struct iovec *iov, int count, off64_t offset) { return pwritev(fd, iov, count, offset); }

ssize_t pwritev2(int fd, const struct iovec *iov, int count, off_t offset, int flags) {
    find_pwritev2();
    if (is_file(fd)) refuse("pwritev2", path_of(known(fd)));
    return real_pwritev2(fd, iov, count, offset, flags);
}
ssize_t pwritev64v2(int fd, const struct iovec *iov, int count, off64_t offset, int flags) {
    return pwritev2(fd, iov, count, offset, flags);
}

ssize_t send(int fd, const void *bytes, size_t len, int flags) {
    find_send();
    uint64_t it = active ? look_at(fd) : OTHER;
    if (kind(it) != SOCKET_KIND) return real_send(fd, bytes, len, flags);
    struct iovec one = {(void *)bytes, len};
    return answer(fd, it, &one, 1, flags);
}

ssize_t sendto(int fd, const void *bytes, size_t len, int flags, const struct sockaddr *to, socklen_t to_len) {
    find_sendto();
    if (!to) return send(fd, bytes, len, flags);
    return real_sendto(fd, bytes, len, flags, to, to_len); /* a datagram: never an acknowledgement of ours */
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
    find_sendmsg();
    uint64_t it = active ? look_at(fd) : OTHER;
    if (kind(it) != SOCKET_KIND || message->msg_iovlen > 64) return real_sendmsg(fd, message, flags);
    return acknowledge(fd, it, message, flags);
}

/* ---- length ---- */

int ftruncate(int fd, off_t length) {
    find_ftruncate();
    if (!is_file(fd)) return real_ftruncate(fd, length);
    uint64_t it = known(fd);
    pthread_mutex_lock(&lock);
    FAIL_IF("truncate", 0, path_of(it));
    int done = real_ftruncate(fd, length), saved = errno;
    if (!done) put_plain((struct entry){.op = TRUNCATE, .handle = handle(it), .length = length}, NULL, NULL);
    pthread_mutex_unlock(&lock);
    errno = saved;
    return done;
}
int ftruncate64(int fd, off64_t length) { return ftruncate(fd, length); }

int truncate(const char *path, off_t length) {
    find_truncate();
    char buf[PATH_MAX];
    if (active && below(AT_FDCWD, path, buf)) refuse("truncate", path);
    return real_truncate(path, length);
}
int truncate64(const char *path, off64_t length) { return truncate(path, length); }

int fallocate(int fd, int mode, off_t offset, off_t length) {
    find_fallocate();
    if (!is_file(fd)) return real_fallocate(fd, mode, offset, length);
    uint64_t it = known(fd);
    if (mode & ~FALLOC_FL_KEEP_SIZE) refuse("fallocate that changes bytes", path_of(it));
    pthread_mutex_lock(&lock);
    FAIL_IF("allocate", 1, path_of(it));
    int done = real_fallocate(fd, mode, offset, length), saved = errno;
    if (!done && !mode)
        put_plain((struct entry){.op = ALLOCATE, .handle = handle(it), .offset = offset, .length = length}, NULL, NULL);
    pthread_mutex_unlock(&lock);
    errno = saved;
    return done;
}
int fallocate64(int fd, int mode, off64_t offset, off64_t length) { return fallocate(fd, mode, offset, length); }

int posix_fallocate(int fd, off_t offset, off_t length) {
    find_posix_fallocate();
    if (!is_file(fd)) return real_posix_fallocate(fd, offset, length);
    return fallocate(fd, 0, offset, length) ? errno : 0;
}
int posix_fallocate64(int fd, off64_t offset, off64_t length) { return posix_fallocate(fd, offset, length); }

/* ---- syncs ---- */

static int sync_any(int fd, int (*real)(int), const char *call) {
    uint64_t it = known(fd);
    const char *path = path_of(it);
    if (is_swallowed(path)) {
        pthread_mutex_lock(&lock);
        put_plain((struct entry){.op = NOTE}, "swallowed", path);
        pthread_mutex_unlock(&lock);
        return 0;
    }
    pthread_mutex_lock(&lock);
    uint64_t number = ++syncs;
    int error = fault("sync", 0, path);
    put_plain((struct entry){.op = SYNC_BEGIN, .handle = handle(it), .length = number}, call, NULL);
    pthread_mutex_unlock(&lock);
    int done = error > 0 ? -1 : real(fd);
    if (error <= 0) error = done ? errno : 0;
    pthread_mutex_lock(&lock);
    put_plain((struct entry){.op = SYNC_END, .handle = handle(it), .length = number, .error = error}, NULL, NULL);
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}

int fsync(int fd) {
    find_fsync();
    return is_file(fd) ? sync_any(fd, real_fsync, "fsync") : real_fsync(fd);
}

int fdatasync(int fd) {
    find_fdatasync();
    return is_file(fd) ? sync_any(fd, real_fdatasync, "fdatasync") : real_fdatasync(fd);
}

/* Not a durability point: it writes no metadata and flushes no disk cache, sync_file_range(2). */
int sync_file_range(int fd, off64_t offset, off64_t length, unsigned int flags) {
    find_sync_file_range();
    if (is_file(fd)) {
        pthread_mutex_lock(&lock);
        put_plain((struct entry){.op = NOTE}, "sync_file_range", path_of(known(fd)));
        pthread_mutex_unlock(&lock);
    }
    return real_sync_file_range(fd, offset, length, flags);
}

int syncfs(int fd) {
    find_syncfs();
    if (is_file(fd)) refuse("syncfs", path_of(known(fd)));
    return real_syncfs(fd);
}

/* ---- entries ---- */

static int rename_any(int from_dir, const char *from, int to_dir, const char *to, unsigned int flags) {
    find_renameat2();
    char a[PATH_MAX], b[PATH_MAX];
    const char *old = active ? below(from_dir, from, a) : NULL, *new = active ? below(to_dir, to, b) : NULL;
    if (!old && !new) return real_renameat2(from_dir, from, to_dir, to, flags);
    if (!old || !new) refuse("rename across the edge of the directory", old ? old : new);
    if (flags & ~RENAME_NOREPLACE) refuse("renameat2 with flags", old);
    pthread_mutex_lock(&lock);
    FAIL_IF("rename", 1, new);
    int done = real_renameat2(from_dir, from, to_dir, to, flags), saved = errno;
    if (!done) put_plain((struct entry){.op = RENAME}, old, new);
    pthread_mutex_unlock(&lock);
    errno = saved;
    return done;
}

int rename(const char *from, const char *to) { return rename_any(AT_FDCWD, from, AT_FDCWD, to, 0); }
int renameat(int d, const char *from, int e, const char *to) { return rename_any(d, from, e, to, 0); }
int renameat2(int d, const char *from, int e, const char *to, unsigned int flags) { return rename_any(d, from, e, to, flags); }

static int unlink_any(int dir, const char *path, int flags) {
    find_unlinkat();
    char buf[PATH_MAX];
    const char *rel = active ? below(dir, path, buf) : NULL;
    if (!rel) return real_unlinkat(dir, path, flags);
    pthread_mutex_lock(&lock);
    FAIL_IF("unlink", 0, rel);
    struct stat s;
    int counts = !fstatat(dir, path, &s, AT_SYMLINK_NOFOLLOW) && (S_ISREG(s.st_mode) || S_ISDIR(s.st_mode));
    int done = real_unlinkat(dir, path, flags), saved = errno;
    if (!done && counts) put_plain((struct entry){.op = UNLINK}, rel, NULL);
    pthread_mutex_unlock(&lock);
    errno = saved;
    return done;
}

int unlink(const char *path) { return unlink_any(AT_FDCWD, path, 0); }
int unlinkat(int dir, const char *path, int flags) { return unlink_any(dir, path, flags); }
int rmdir(const char *path) { return unlink_any(AT_FDCWD, path, AT_REMOVEDIR); }
int remove(const char *path) {
    int done = unlink_any(AT_FDCWD, path, 0);
    return done && errno == EISDIR ? unlink_any(AT_FDCWD, path, AT_REMOVEDIR) : done;
}

int mkdirat(int dir, const char *path, mode_t mode) {
    find_mkdirat();
    char buf[PATH_MAX];
    const char *rel = active ? below(dir, path, buf) : NULL;
    if (!rel || !*rel) return real_mkdirat(dir, path, mode);
    pthread_mutex_lock(&lock);
    FAIL_IF("mkdir", 1, rel);
    int done = real_mkdirat(dir, path, mode), saved = errno;
    if (!done) put_plain((struct entry){.op = MKDIR}, rel, NULL);
    pthread_mutex_unlock(&lock);
    errno = saved;
    return done;
}
int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }

int linkat(int from_dir, const char *from, int to_dir, const char *to, int flags) {
    find_linkat();
    char a[PATH_MAX], b[PATH_MAX];
    const char *old = active ? below(from_dir, from, a) : NULL, *new = active ? below(to_dir, to, b) : NULL;
    if (!old && !new) return real_linkat(from_dir, from, to_dir, to, flags);
    if (!old || !new) refuse("link across the edge of the directory", old ? old : new);
    pthread_mutex_lock(&lock);
    int done = real_linkat(from_dir, from, to_dir, to, flags), saved = errno;
    if (!done) put_plain((struct entry){.op = LINK}, old, new);
    pthread_mutex_unlock(&lock);
    errno = saved;
    return done;
}
int link(const char *from, const char *to) { return linkat(AT_FDCWD, from, AT_FDCWD, to, 0); }

int symlinkat(const char *target, int dir, const char *path) {
    find_symlinkat();
    char buf[PATH_MAX];
    if (active && below(dir, path, buf)) refuse("symlink", path);
    return real_symlinkat(target, dir, path);
}
int symlink(const char *target, const char *path) { return symlinkat(target, AT_FDCWD, path); }

/* ---- what is refused ---- */

void *mmap(void *where, size_t length, int protection, int flags, int fd, off_t offset) {
    find_mmap();
    if (fd >= 0 && is_file(fd) && protection & PROT_WRITE && (flags & MAP_TYPE) != MAP_PRIVATE) refuse("mmap, shared and writable", path_of(known(fd)));
    return real_mmap(where, length, protection, flags, fd, offset);
}
void *mmap64(void *where, size_t length, int protection, int flags, int fd, off64_t offset) {
    return mmap(where, length, protection, flags, fd, offset);
}

ssize_t copy_file_range(int in, off64_t *in_at, int out, off64_t *out_at, size_t len, unsigned int flags) {
    find_copy_file_range();
    if (is_file(out)) refuse("copy_file_range", path_of(known(out)));
    return real_copy_file_range(in, in_at, out, out_at, len, flags);
}

ssize_t sendfile(int out, int in, off_t *at, size_t len) {
    find_sendfile();
    if (is_file(out)) refuse("sendfile", path_of(known(out)));
    return real_sendfile(out, in, at, len);
}
ssize_t sendfile64(int out, int in, off64_t *at, size_t len) { return sendfile(out, in, at, len); }

ssize_t splice(int in, off64_t *in_at, int out, off64_t *out_at, size_t len, unsigned int flags) {
    find_splice();
    if (is_file(out)) refuse("splice", path_of(known(out)));
    return real_splice(in, in_at, out, out_at, len, flags);
}

/* The bare syscall(2) is let through, but for those that would write behind our back. */
long syscall(long number, ...) {
    find_syscall();
    va_list more;
    va_start(more, number);
    long a = va_arg(more, long), b = va_arg(more, long), c = va_arg(more, long);
    long d = va_arg(more, long), e = va_arg(more, long), f = va_arg(more, long);
    va_end(more);
    if (active) switch (number) {
    case SYS_io_uring_setup: refuse("io_uring_setup", NULL); break;
    case SYS_copy_file_range: if (is_file((int)c)) refuse("syscall copy_file_range", path_of(known((int)c))); break;
    case SYS_write: case SYS_writev: case SYS_pwrite64: case SYS_pwritev: case SYS_pwritev2: case SYS_ftruncate: case SYS_fallocate:
    case SYS_fsync: case SYS_fdatasync:
        if (is_file((int)a)) refuse("a bare syscall", path_of(known((int)a)));
        break;
    case SYS_openat: case SYS_unlinkat: case SYS_renameat2: case SYS_mkdirat: {
        char buf[PATH_MAX];
        const char *rel = below((int)a, (const char *)b, buf);
        if (rel) refuse("a bare syscall", rel);
        break;
    }
    }
    return real_syscall(number, a, b, c, d, e, f);
}
