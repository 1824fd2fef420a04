/* `actord demo`: a small tree with deliberately flaky actors. */
#ifndef DAEMON_DEMO_H
#define DAEMON_DEMO_H

extern const char demo_config[];

/* The demo's own socket. */
const char *demo_socket(void);

/* Print what to try. */
void demo_ready(void);

#endif
