/* A PKCS#11 library in front of another one, LETHE_TOKEN_LIBRARY, that does what real devices do and the other does not.
 * The words in the file LETHE_TOKEN_FAULTS say what, and are read at every call:
 *
 *   hardware   every slot says that it is hardware
 *   locked     a login is answered with CKR_PIN_LOCKED
 *   copyable   a key says that it is copyable, whatever was asked for
 *   deaf       a key that is to be destroyed stays, and nobody is told
 *   vanish     all tokens are pulled out when a key is to be destroyed, as Home::pull_out does
 *   nonce      AES-GCM takes no nonce but a buffer of zeros, into which it writes its own; 'mute' leaves the zeros
 *   forgetful  CKR_DEVICE_REMOVED, where a key was just made
 *   counts     the third wrong PIN in a row locks the token, and before that it says that one try is left
 *   logins     each login is written down behind the file's name and ".logins"
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef unsigned long word;
typedef void (*call)(void);

struct functions {
    unsigned char major, minor;
    call at[68];
};
struct attribute {
    word type;
    void *value;
    word length;
};
struct mechanism {
    word kind;
    void *parameter;
    word length;
};
struct gcm {
    unsigned char *iv;
    word iv_length, iv_bits;
    void *about;
    word about_length, tag_bits;
};

enum { SLOT_INFO = 5, TOKEN_INFO = 6, LOGIN = 18, DESTROY = 22, ATTRIBUTES = 24, ENCRYPT_INIT = 29, GENERATE_KEY = 58 };

static struct functions *real, ours;

static int does(const char *what) {
    char text[256] = {0};
    const char *path = getenv("LETHE_TOKEN_FAULTS");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0) return 0;
    ssize_t got = read(fd, text, sizeof text - 1);
    close(fd);
    for (char *rest, *word = got > 0 ? strtok_r(text, " \n", &rest) : NULL; word; word = strtok_r(NULL, " \n", &rest))
        if (!strcmp(word, what)) return 1;
    return 0;
}

static word slot_info(word slot, char *info) {
    word answer = ((word (*)(word, char *))real->at[SLOT_INFO])(slot, info);
    if (!answer && does("hardware")) *(word *)(info + 96) |= 4; /* behind 64 and 32 bytes of text: CKF_HW_SLOT */
    return answer;
}

/* How many wrong PINs there were since the last right one; 'more' adds one, or sets it back where it is negative. */
static int wrong_pins(int more) {
    char name[4096], some[8];
    snprintf(name, sizeof name, "%s.wrong", getenv("LETHE_TOKEN_FAULTS"));
    int fd = open(name, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | (more < 0 ? O_TRUNC : 0), 0600);
    if (fd < 0) return 0;
    if (more > 0 && write(fd, "1", 1) != 1) abort();
    ssize_t got = pread(fd, some, sizeof some, 0);
    close(fd);
    return got;
}

static word token_info(word slot, char *info) {
    word answer = ((word (*)(word, char *))real->at[TOKEN_INFO])(slot, info);
    int wrong = !answer && does("counts") ? wrong_pins(0) : 0;
    if (wrong) *(word *)(info + 96) |= wrong > 2 ? 0x40000 : wrong > 1 ? 0x20000 : 0x10000;
    return answer;
}

static word log_in(word session, word user, void *pin, word length) {
    char name[4096];
    snprintf(name, sizeof name, "%s.logins", getenv("LETHE_TOKEN_FAULTS"));
    int fd = open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd >= 0 && write(fd, "1", 1) == 1) close(fd);
    int counts = does("counts");
    if (does("locked") || (counts && wrong_pins(0) > 2)) return 0xA4;
    word answer = ((word (*)(word, word, void *, word))real->at[LOGIN])(session, user, pin, length);
    if (counts) wrong_pins(answer == 0xA0 ? 1 : answer == 0 ? -1 : 0);
    return answer;
}

/* What the library remembers of the tokens stays. */
static void vanish(void) {
    char from[4096], to[4096];
    snprintf(from, sizeof from, "%s/tokens", getenv("LETHE_TOKEN_HOME"));
    snprintf(to, sizeof to, "%s/drawer", getenv("LETHE_TOKEN_HOME"));
    if (rename(from, to) || mkdir(from, 0700)) abort();
}

static word destroy(word session, word object) {
    if (does("vanish")) vanish();
    return does("deaf") ? 0 : ((word (*)(word, word))real->at[DESTROY])(session, object);
}

static word attributes(word session, word object, struct attribute *asked, word count) {
    word answer = ((word (*)(word, word, struct attribute *, word))real->at[ATTRIBUTES])(session, object, asked, count);
    for (word i = 0; i < count && does("copyable"); i++)
        if (asked[i].type == 0x171 && asked[i].value) *(unsigned char *)asked[i].value = 1;
    return answer;
}

static word encrypt_init(word session, struct mechanism *mechanism, word key) {
    static unsigned char last;
    struct gcm *gcm = mechanism->parameter;
    int is_mute = does("mute");
    if (mechanism->kind == 0x1087 && (is_mute || does("nonce"))) {
        for (word i = 0; i < gcm->iv_length; i++)
            if (gcm->iv[i]) return 0x71; /* CKR_MECHANISM_PARAM_INVALID */
        if (!is_mute) gcm->iv[gcm->iv_length - 1] = ++last;
    }
    return ((word (*)(word, struct mechanism *, word))real->at[ENCRYPT_INIT])(session, mechanism, key);
}

static word generate_key(word session, void *mechanism, void *asked, word count, word *key) {
    word (*make)(word, void *, void *, word, word *) = (word (*)(word, void *, void *, word, word *))real->at[GENERATE_KEY];
    word answer = make(session, mechanism, asked, count, key);
    return !answer && does("forgetful") ? 0x32 : answer;
}

word C_GetFunctionList(struct functions **list) {
    void *library = dlopen(getenv("LETHE_TOKEN_LIBRARY"), RTLD_NOW);
    word (*get)(struct functions **) =
        library ? (word (*)(struct functions **))dlsym(library, "C_GetFunctionList") : NULL;
    if (!get) return 5; /* CKR_GENERAL_ERROR */
    word answer = get(&real);
    if (answer) return answer;
    ours = *real;
    ours.at[SLOT_INFO] = (call)slot_info;
    ours.at[TOKEN_INFO] = (call)token_info;
    ours.at[LOGIN] = (call)log_in;
    ours.at[DESTROY] = (call)destroy;
    ours.at[ATTRIBUTES] = (call)attributes;
    ours.at[ENCRYPT_INIT] = (call)encrypt_init;
    ours.at[GENERATE_KEY] = (call)generate_key;
    *list = &ours;
    return 0;
}
