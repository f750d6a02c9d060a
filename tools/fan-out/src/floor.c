/*
 * The floor under every fan-out: prebuilt bytes, and one send() for each socket and event. What a
 * server does beyond this is what it adds.
 *
 *   floor BYTES       prints "port N", then takes lines: "p COUNT" sends COUNT events to all
 *
 * Sockets are as Node makes them: not blocking, TCP_NODELAY. Frames are those of a WebSocket server
 * with a payload of BYTES.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 65536, BACKLOG = 4096 };

static int connections[CONNECTIONS_MAX];
static int connections_count;
static unsigned char frame[65536 + 4];
static size_t frame_bytes;

static void build_frame(size_t payload_bytes) {
  size_t head = 2;
  frame[0] = 0x81;
  if (payload_bytes < 126) {
    frame[1] = (unsigned char)payload_bytes;
  } else {
    frame[1] = 126;
    frame[2] = (unsigned char)(payload_bytes >> 8);
    frame[3] = (unsigned char)payload_bytes;
    head = 4;
  }
  memset(frame + head, 'x', payload_bytes);
  frame_bytes = head + payload_bytes;
}

static void wait_until_writable(int fd) {
  struct pollfd one = {.fd = fd, .events = POLLOUT};
  poll(&one, 1, -1);
}

static void send_all(int fd) {
  size_t sent = 0;
  while (sent < frame_bytes) {
    ssize_t n = send(fd, frame + sent, frame_bytes - sent, MSG_NOSIGNAL);
    if (n > 0) {
      sent += (size_t)n;
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      wait_until_writable(fd);
    } else if (errno != EINTR) {
      return;
    }
  }
}

static void accept_waiting(int listener) {
  for (;;) {
    int fd = accept(listener, NULL, NULL);
    int on = 1;
    if (fd < 0) return;
    if (connections_count == CONNECTIONS_MAX) {
      close(fd);
      return;
    }
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    connections[connections_count++] = fd;
  }
}

static int listen_anywhere(void) {
  struct sockaddr_in address = {.sin_family = AF_INET};
  socklen_t length = sizeof address;
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
      listen(fd, BACKLOG) != 0 || getsockname(fd, (struct sockaddr *)&address, &length) != 0) {
    perror("floor");
    exit(1);
  }
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  printf("port %d\n", ntohs(address.sin_port));
  fflush(stdout);
  return fd;
}

int main(int argc, char **argv) {
  char line[64];
  long payload_bytes = argc > 1 ? atol(argv[1]) : 300;
  if (payload_bytes < 1 || payload_bytes > 65535) {
    fprintf(stderr, "floor: from 1 to 65535 bytes\n");
    return 2;
  }
  build_frame((size_t)payload_bytes);
  struct pollfd waits[2] = {{.fd = listen_anywhere(), .events = POLLIN},
                            {.fd = STDIN_FILENO, .events = POLLIN}};
  for (;;) {
    if (poll(waits, 2, -1) < 0) continue;
    if (waits[0].revents != 0) accept_waiting(waits[0].fd);
    if (waits[1].revents == 0) continue;
    ssize_t n = read(STDIN_FILENO, line, sizeof line - 1);
    if (n <= 0) return 0;
    line[n] = '\0';
    /* Lines may come together when we were slow; each is one turn. */
    for (char *at = line; (at = strchr(at, 'p')) != NULL; at++) {
      int events_count = atoi(at + 1);
      for (int event = 0; event < events_count; event++)
        for (int index = 0; index < connections_count; index++) send_all(connections[index]);
    }
  }
}
