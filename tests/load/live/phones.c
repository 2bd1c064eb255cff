/* Many phones in one thread: each sends a frame with one fix at its turn and waits for nothing.
 *
 *   phones KIND PORT COUNT RATE SECONDS PIDS SCREENS PATIENCE < credentials
 *
 * KIND   tcp: as many bytes without WebSocket, answered by 5 bytes
 *        mqtt: published with QoS 1, heard by SCREENS subscribers in here as well
 *        socketio: an event with an acknowledgement, heard by SCREENS in here as well
 *        ws: as WebSocket, any answer counts
 *        gateway: as WebSocket with Authorization, Hello, and Acks of Postrider, one asked for with
 *        each frame | stream: as gateway, content with an Ack now and then
 * What is not acknowledged within AGAIN_AFTER_S is sent again, as phones do.
 *
 * RATE   of all together; 0: they say nothing
 * PIDS   processes whose CPU is counted, by commas
 * PATIENCE  seconds for what is still to be acknowledged after the last frame
 * stdin  a line for each connection: the value of its Authorization header
 *
 * Prints "ready" once all are let in, and at the end one line of JSON: messages answered per second,
 * CPU microseconds per message of the processes, the share of a core that this generator used, the
 * latency until the answer, and of each phone the last fix that it sent and the last that was
 * acknowledged.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { TCP, MQTT, SOCKETIO, WS, GATEWAY, STREAM };
enum { CONNECTING, GREETING, READY };
#define IN_FLIGHT 1024
#define FRAME_BYTES 64 /* packed fixes, see server/protocol/packed.py: a header and one fix */
#define WIRE_BYTES 256
#define LATENCY_WRAP_MS 4000 /* see screens.py; in 1e-7 degrees, so that nobody drives too fast */
#define BUFFER (1 << 16)
#define WARM_S 4.0
#define ENTERING_AT_ONCE 32
#define AGAIN_AFTER_S 15.0   /* then a phone sends again what was not acknowledged */

typedef struct {
    int fd, state, held, watches, left;
    long sent, answered;
    double heard_s;
    double sent_s[IN_FLIGHT];
    char *buffer, rest[WIRE_BYTES]; /* what the kernel did not take of the last frame */
} Phone;

static int kind, polling;
static long answered, lost, samples;
static float latency_s[1 << 22];
static int measuring;

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static double own_cpu_s(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return used.ru_utime.tv_sec + used.ru_stime.tv_sec +
           (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

/* CPU seconds of these processes with all their threads; the kernel counts nanoseconds. */
static double cpu_s_of(const char *pids) {
    double sum = 0;
    char *list = strdup(pids);
    for (char *pid = strtok(list, ","); pid; pid = strtok(0, ",")) {
        char path[300];
        snprintf(path, sizeof path, "/proc/%s/task", pid);
        DIR *folder = opendir(path);
        if (!folder) continue;
        for (struct dirent *task; (task = readdir(folder));) {
            unsigned long long ns = 0;
            snprintf(path, sizeof path, "/proc/%s/task/%.20s/schedstat", pid, task->d_name);
            FILE *file = task->d_name[0] == '.' ? 0 : fopen(path, "r");
            if (!file) continue;
            if (fscanf(file, "%llu", &ns) == 1) sum += ns / 1e9;
            fclose(file);
        }
        closedir(folder);
    }
    free(list);
    return sum;
}

static void give_up(const char *why, const char *detail) {
    fprintf(stderr, "%s: %.200s\n", why, detail);
    exit(2);
}

static void moment(char *text) {
    struct timespec t;
    struct tm parts;
    clock_gettime(CLOCK_REALTIME, &t);
    gmtime_r(&t.tv_sec, &parts);
    size_t end = strftime(text, 32, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(text + end, 32 - end, ".%06ldZ", t.tv_nsec / 1000);
}

static int put_frame(char *out, int opcode, const char *text, int length) {
    int head = 2;
    out[0] = (char)(0x80 | opcode);
    if (length < 126) {
        out[1] = (char)(0x80 | length);
    } else {
        out[1] = (char)(0x80 | 126);
        out[2] = (char)(length >> 8);
        out[3] = (char)length;
        head = 4;
    }
    memset(out + head, 0, 4); /* a mask of zeros: the server unmasks, we need not mask */
    memcpy(out + head + 4, text, length);
    return head + 4 + length;
}

static int64_t now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

static void pack_fix(char *out, int number, int64_t seq) {
    struct __attribute__((packed)) {
        uint8_t kind, version, is_awaited, empty[5];
        int64_t sent_us;
        uint8_t id[16];
        int64_t seq, taken_us;
        int32_t lon, lat;
        float accuracy_m;
        uint16_t speed, heading;
    } frame = {1, 1, kind != STREAM, {0}, now_us(), {0}, seq, now_us(),
               95000000 + number * 1000, 471000000 + now_us() / 1000 % LATENCY_WRAP_MS, 5, 1250,
               27000};
    _Static_assert(sizeof frame == FRAME_BYTES, "as packed.py has it");
    memcpy(out, &frame, sizeof frame);
}

static int put_publish(char *out, int number, long seq) {
    char topic[16];
    int named = sprintf(topic, "fix/%05d", number), rest = 2 + named + 2 + FRAME_BYTES;
    int id = 1 + seq % 65000;
    out[0] = 0x32; /* PUBLISH, QoS 1 */
    out[1] = (char)rest; /* below 128 */
    out[2] = 0, out[3] = (char)named;
    memcpy(out + 4, topic, named);
    out[4 + named] = (char)(id >> 8), out[5 + named] = (char)id;
    pack_fix(out + 6 + named, number, seq);
    return 2 + rest;
}

static int put_event(char *out, int number, long seq) {
    char text[WIRE_BYTES];
    int length = snprintf(text, sizeof text,
        "42%ld[\"fix\",{\"seq\":%ld,\"taken_ms\":%lld,\"lon\":%.7f,\"lat\":%.7f,\"accuracy_m\":5,"
        "\"speed_mps\":12.5,\"heading_deg\":270}]",
        seq, seq, (long long)now_us() / 1000, 9.5 + number * 1e-4, 47.1);
    return put_frame(out, 1, text, length);
}

static int put_fix(char *out, int number, long seq) {
    char frame[FRAME_BYTES];
    if (kind == MQTT) return put_publish(out, number, seq);
    if (kind == SOCKETIO) return put_event(out, number, seq);
    pack_fix(frame, number, seq);
    return put_frame(out, 2, frame, sizeof frame);
}

/* As much as the kernel takes; the rest goes before what is sent next. Whether it took all. */
static int send_bytes(Phone *phone, const char *bytes, int size) {
    int taken = send(phone->fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (taken < 0 && errno != EAGAIN) give_up("send", strerror(errno));
    if (taken < 0) taken = 0;
    memmove(phone->rest, bytes + taken, phone->left = size - taken);
    return !phone->left;
}

/* The next fix; none while nobody reads what was sent before. */
static void send_fix(Phone *phone, int number) {
    char out[WIRE_BYTES];
    double at_s = now_s();
    if (phone->left && !send_bytes(phone, phone->rest, phone->left)) {
        lost++;
        return;
    }
    if (phone->sent == phone->answered) phone->heard_s = at_s;
    if (kind >= GATEWAY && at_s > phone->heard_s + AGAIN_AFTER_S)
        phone->sent = phone->answered, phone->heard_s = at_s;
    send_bytes(phone, out, put_fix(out, number, phone->sent + 1));
    phone->sent_s[phone->sent++ % IN_FLIGHT] = at_s;
}

static void count_answers(Phone *phone, long through) {
    double at_s = phone->heard_s = now_s();
    for (; phone->answered < through && phone->answered < phone->sent; phone->answered++) {
        if (!measuring) continue;
        answered++;
        if (samples < (long)(sizeof latency_s / sizeof *latency_s))
            latency_s[samples++] = at_s - phone->sent_s[phone->answered % IN_FLIGHT];
    }
}

static void send_hello(Phone *phone) {
    char text[300], out[400], at[40];
    moment(at);
    int length = snprintf(text, sizeof text,
        "{\"type\":\"Hello\",\"id\":\"hello\",\"sent_at\":\"%s\",\"body\":{\"protocol\":1,"
        "\"app_version\":\"bench\"}}", at);
    int size = put_frame(out, 1, text, length);
    if (send(phone->fd, out, size, MSG_NOSIGNAL) != size) give_up("hello", strerror(errno));
}

static void say(Phone *phone, const char *text) {
    char out[100];
    int size = put_frame(out, 1, text, strlen(text));
    if (send(phone->fd, out, size, MSG_NOSIGNAL) != size) give_up("say", strerror(errno));
}

/* The protocol of Engine.IO 4 and Socket.IO 5: open, connect, acknowledgement, ping. */
static void hear_socketio(Phone *phone, const char *text) {
    if (text[0] == '0') say(phone, phone->watches ? "40{\"screen\":true}" : "40");
    else if (text[0] == '2') say(phone, "3");
    else if (!strncmp(text, "40", 2)) phone->state = READY;
    else if (!strncmp(text, "43", 2)) count_answers(phone, phone->answered + 1);
    else if (!strncmp(text, "44", 2)) give_up("refused", text);
}

static void hear(Phone *phone, char *text, int length) {
    if (kind == WS) {
        count_answers(phone, phone->answered + 1);
        return;
    }
    if (kind == SOCKETIO) {
        hear_socketio(phone, text);
        return;
    }
    char last = text[length];
    text[length] = 0;
    char *through = strstr(text, "\"fixes_through\":");
    if (phone->state == GREETING && strstr(text, "\"Manifest\"")) phone->state = READY;
    else if (through) count_answers(phone, atol(through + 16));
    else if (strstr(text, "\"Reject\"")) give_up("rejected", text);
    text[length] = last;
}

/* Deal with the first message in the buffer; how many bytes it had, 0 when it is not whole. */
static int take_one(Phone *phone) {
    unsigned char *head = (unsigned char *)phone->buffer;
    if (phone->state == CONNECTING) {
        char *end = memmem(phone->buffer, phone->held, "\r\n\r\n", 4);
        if (!end) return 0;
        if (memcmp(phone->buffer + 9, "101", 3)) give_up("refused", phone->buffer);
        phone->state = kind >= GATEWAY || kind == SOCKETIO ? GREETING : READY;
        if (kind >= GATEWAY) send_hello(phone);
        return end + 4 - phone->buffer;
    }
    if (kind == TCP) {
        if (phone->held < 5) return 0;
        count_answers(phone, phone->answered + 1);
        return 5;
    }
    if (kind == MQTT) {
        int rest = 0, at = 1, shift = 0;
        do {
            if (at >= phone->held) return 0;
            rest |= (head[at] & 127) << shift, shift += 7;
        } while (head[at++] & 128);
        if (phone->held < at + rest) return 0;
        if (head[0] == 0x20) phone->state = READY; /* CONNACK */
        else if (head[0] == 0x40) count_answers(phone, phone->answered + 1); /* PUBACK */
        return at + rest;
    }
    if (phone->held < 2) return 0;
    int size = head[1] & 127, start = 2;
    if (size == 126) {
        if (phone->held < 4) return 0;
        size = head[2] << 8 | head[3], start = 4;
    }
    if (phone->held < start + size) return 0;
    if ((head[0] & 15) == 8) give_up("closed", phone->buffer + start + 2);
    if ((head[0] & 15) == 9) { /* a ping: who does not answer is taken for dead */
        char pong[140];
        int length = put_frame(pong, 10, phone->buffer + start, size);
        if (send(phone->fd, pong, length, MSG_NOSIGNAL) != length) give_up("pong", strerror(errno));
    }
    if ((head[0] & 15) < 3) hear(phone, phone->buffer + start, size);
    return start + size;
}

static void read_all(Phone *phone) {
    int got = recv(phone->fd, phone->buffer + phone->held, BUFFER - 1 - phone->held, MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN)) give_up("connection", "lost");
    if (got < 0) return;
    phone->held += got;
    int done = 0;
    for (int size; done < phone->held; done += size) {
        char *start = phone->buffer;
        phone->buffer += done, phone->held -= done;
        size = take_one(phone);
        phone->buffer = start, phone->held += done;
        if (!size) break;
    }
    memmove(phone->buffer, phone->buffer + done, phone->held -= done);
}

static void wait_ms(int ms) {
    struct epoll_event found[256];
    int ready = epoll_wait(polling, found, 256, ms);
    for (int i = 0; i < ready; i++) read_all(found[i].data.ptr);
}

static void open_mqtt(Phone *phone, int number) {
    char out[60], name[16];
    int named = sprintf(name, "c%05d", number);
    memcpy(out, "\x10\0\0\4MQTT\4\2\0\0\0", 13);
    out[1] = (char)(12 + named), out[13] = (char)named;
    memcpy(out + 14, name, named);
    int size = 14 + named;
    phone->state = GREETING;
    if (phone->watches) memcpy(out + size, "\x82\x0a\0\1\0\5fix/#\0", 12), size += 12;
    if (send(phone->fd, out, size, MSG_NOSIGNAL) != size) give_up("send", strerror(errno));
}

static void open_phone(Phone *phone, int port, int number) {
    char credential[300] = "", head[800];
    int one = 1;
    struct sockaddr_in there = {.sin_family = AF_INET, .sin_port = htons(port)};
    there.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    phone->fd = socket(AF_INET, SOCK_STREAM, 0);
    phone->buffer = malloc(BUFFER);
    if (connect(phone->fd, (void *)&there, sizeof there)) give_up("connect", strerror(errno));
    setsockopt(phone->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct epoll_event wanted = {EPOLLIN, {.ptr = phone}};
    epoll_ctl(polling, EPOLL_CTL_ADD, phone->fd, &wanted);
    if (kind == TCP) {
        phone->state = READY;
        return;
    }
    if (kind == MQTT) {
        open_mqtt(phone, number);
        return;
    }
    if (fgets(credential, sizeof credential, stdin)) credential[strcspn(credential, "\n")] = 0;
    int size = snprintf(head, sizeof head,
        "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: %s\r\n\r\n",
        kind == SOCKETIO ? "/socket.io/?EIO=4&transport=websocket" : "/ws/driver", port, credential);
    if (send(phone->fd, head, size, MSG_NOSIGNAL) != size) give_up("send", strerror(errno));
}

static long unanswered(const Phone *phones, int count) {
    long sum = 0;
    for (int i = 0; i < count; i++) sum += phones[i].sent - phones[i].answered;
    return sum;
}

static int by_size(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

int main(int words, char **word) {
    if (words != 9) give_up("usage", "phones KIND PORT COUNT RATE SECONDS PIDS SCREENS PATIENCE");
    const char *kinds[] = {"tcp", "mqtt", "socketio", "ws", "gateway", "stream"};
    while (kind < STREAM && strcmp(word[1], kinds[kind])) kind++;
    int port = atoi(word[2]), count = atoi(word[3]);
    double rate = atof(word[4]), seconds = atof(word[5]);
    polling = epoll_create1(0);
    int watching = kind == MQTT || kind == SOCKETIO ? atoi(word[7]) : 0;
    Phone *phones = calloc(count + watching, sizeof *phones);
    for (int i = count; i < count + watching; i++) {
        phones[i].watches = 1;
        open_phone(&phones[i], port, i);
    }
    for (int first = 0, last; first < count; first = last) {
        last = first + ENTERING_AT_ONCE < count ? first + ENTERING_AT_ONCE : count;
        for (int i = first; i < last; i++) open_phone(&phones[i], port, i);
        for (int i = first; i < last; i++)
            while (phones[i].state != READY) wait_ms(100);
    }
    for (int i = count; i < count + watching; i++)
        while (phones[i].state != READY) wait_ms(100);
    printf("ready\n");
    fflush(stdout);
    if (rate == 0) { /* idle: only be there */
        for (double end_s = now_s() + seconds; now_s() < end_s;) wait_ms(200);
        return 0;
    }
    double start_s = now_s(), cpu_s = 0, own_s = 0, measured_s = 0;
    for (long turn = 0;;) {
        double at_s = now_s();
        if (!measuring && at_s >= start_s + WARM_S)
            measuring = 1, measured_s = at_s, cpu_s = cpu_s_of(word[6]), own_s = own_cpu_s();
        if (at_s >= start_s + WARM_S + seconds) break;
        for (long due = (at_s - start_s) * rate; turn < due; turn++)
            send_fix(&phones[turn % count], turn % count);
        wait_ms(1);
    }
    double took_s = now_s() - measured_s;
    cpu_s = cpu_s_of(word[6]) - cpu_s, own_s = own_cpu_s() - own_s;
    long seen = answered;
    measuring = 0;
    double last_s = now_s();
    while (now_s() < last_s + atof(word[8]) && unanswered(phones, count)) wait_ms(20);
    double after_s = now_s() - last_s;
    qsort(latency_s, samples, sizeof *latency_s, by_size);
    printf("{\"per_s\":%.0f,\"us_each\":%.3f,\"core_share\":%.3f,\"generator_share\":%.3f,"
           "\"lost\":%ld,\"p50_ms\":%.2f,\"p99_ms\":%.2f,\"answered_after_s\":%.2f,\"sent\":[",
           seen / took_s, seen ? cpu_s * 1e6 / seen : 0, cpu_s / took_s, own_s / took_s, lost,
           samples ? latency_s[samples / 2] * 1e3 : 0,
           samples ? latency_s[(long)(samples * .99)] * 1e3 : 0, after_s);
    for (int i = 0; i < count; i++) printf("%s%ld", i ? "," : "", phones[i].sent);
    printf("],\"acknowledged\":[");
    for (int i = 0; i < count; i++) printf("%s%ld", i ? "," : "", phones[i].answered);
    printf("]}\n");
    return 0;
}
