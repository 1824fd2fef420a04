// CAF benchmarks; builds with CAF 0.17 (Debian) and 1.1 (source). usage: caf_bench <bench>
// <workers> [N]
#include "caf/all.hpp"
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <future>
#include <iostream>
#include <unistd.h>
#if CAF_VERSION < 1800
#define ATOM(n)                                                                                    \
    using n##_atom = caf::atom_constant<caf::atom(#n)>;                                            \
    static constexpr n##_atom n##_v = n##_atom::value;
ATOM(go)
ATOM(ping) ATOM(pong) ATOM(inc) ATOM(get) ATOM(res) ATOM(meet) ATOM(change) ATOM(done)
#define SEND(self, dst, ...) (self)->send((dst), __VA_ARGS__)
#define ANON(dst, ...)       caf::anon_send((dst), __VA_ARGS__)
#define PEER                 "caf017"
#else
CAF_BEGIN_TYPE_ID_BLOCK(bench, first_custom_type_id)
CAF_ADD_ATOM(bench, go_atom)
CAF_ADD_ATOM(bench, inc_atom)
CAF_ADD_ATOM(bench, res_atom)
CAF_ADD_ATOM(bench, meet_atom)
CAF_ADD_ATOM(bench, change_atom)
CAF_ADD_ATOM(bench, done_atom)
CAF_END_TYPE_ID_BLOCK(bench)
using caf::get_atom;
using caf::ping_atom;
using caf::pong_atom;
#define go_v                 go_atom_v
#define ping_v               caf::ping_atom_v
#define pong_v               caf::pong_atom_v
#define inc_v                inc_atom_v
#define get_v                caf::get_atom_v
#define res_v                res_atom_v
#define meet_v               meet_atom_v
#define change_v             change_atom_v
#define done_v               done_atom_v
#define SEND(self, dst, ...) (self)->mail(__VA_ARGS__).send(dst)
#define ANON(dst, ...)       caf::anon_mail(__VA_ARGS__).send(dst)
#define PEER                 "caf11"
#endif
    using namespace caf;
using std::vector;
using clk = std::chrono::steady_clock;
static clk::time_point T0, T1;
static std::promise<void> DONE;
static void fin()
{
    T1 = clk::now();
    DONE.set_value();
}
static long status_kb(const char *key)
{
    std::ifstream f("/proc/self/status");
    std::string l;
    while (std::getline(f, l))
        if (!l.compare(0, strlen(key), key))
            return atol(l.c_str() + strlen(key) + 1);
    return -1;
}
static long N;
static vector<actor> P;
static inline uint32_t xs(uint32_t &s)
{
    s ^= s << 13;
    s ^= s >> 17;
    s ^= s << 5;
    return s;
}
// a. ping-pong
struct ponger : event_based_actor {
    using event_based_actor::event_based_actor;
    behavior make_behavior() override
    {
        return {[this](ping_atom) { SEND(this, P[0], pong_v); }};
    }
};
struct pinger : event_based_actor {
    long left = 0;
    using event_based_actor::event_based_actor;
    behavior make_behavior() override
    {
        left = N;
        return {[this](pong_atom) {
                    if (--left == 0)
                        fin();
                    else
                        SEND(this, P[1], ping_v);
                },
                [this](go_atom) { SEND(this, P[1], ping_v); }};
    }
};
// b. ring
struct ringa : event_based_actor {
    size_t nx;
    ringa(actor_config &c, size_t n) : event_based_actor(c), nx(n)
    {
    }
    behavior make_behavior() override
    {
        return {[this](int32_t h) {
            if (h == 0)
                fin();
            else
                SEND(this, P[nx], h - 1);
        }};
    }
};
// c. counting
struct counter : event_based_actor {
    int64_t n = 0;
    using event_based_actor::event_based_actor;
    behavior make_behavior() override
    {
        return {[this](inc_atom) { ++n; }, [this](get_atom) { SEND(this, P[1], res_v, n); }};
    }
};
struct producer : event_based_actor {
    using event_based_actor::event_based_actor;
    behavior make_behavior() override
    {
        return {[this](go_atom) {
                    for (long i = 0; i < N; ++i)
                        SEND(this, P[0], inc_v);
                    SEND(this, P[0], get_v);
                },
                [this](res_atom, int64_t n) {
                    if (n != N)
                        abort();
                    fin();
                }};
    }
};
// d. create
static std::atomic<long> CNT;
struct once_a : event_based_actor {
    using event_based_actor::event_based_actor;
    behavior make_behavior() override
    {
        return {[this](go_atom) {
            if (CNT.fetch_add(1) + 1 == N)
                fin();
            quit();
        }};
    }
};
struct creator : event_based_actor {
    using event_based_actor::event_based_actor;
    behavior make_behavior() override
    {
        return {[this](go_atom) {
            for (long i = 0; i < N; ++i) {
                auto a = spawn<once_a, lazy_init>();
                SEND(this, a, go_v);
            }
        }};
    }
};
struct idle_a : event_based_actor {
    using event_based_actor::event_based_actor;
    behavior make_behavior() override
    {
        if (CNT.fetch_add(1) + 1 == N)
            fin();
        return {[](go_atom) {}};
    }
};
struct idle_creator : event_based_actor {
    using event_based_actor::event_based_actor;
    behavior make_behavior() override
    {
        return {[this](go_atom) {
            for (long i = 0; i < N; ++i)
                P[i] = spawn<idle_a>();
        }};
    }
};
// e. fork-join throughput
struct fjt : event_based_actor {
    long n = 0;
    using event_based_actor::event_based_actor;
    behavior make_behavior() override
    {
        return {[this](inc_atom) {
            if (++n == N)
                SEND(this, P[60], done_v);
        }};
    }
};
struct fjm : event_based_actor {
    int d = 0;
    using event_based_actor::event_based_actor;
    behavior make_behavior() override
    {
        return {[this](go_atom) {
                    for (long i = 0; i < N; ++i)
                        for (int j = 0; j < 60; ++j)
                            SEND(this, P[j], inc_v);
                },
                [this](done_atom) {
                    if (++d == 60)
                        fin();
                }};
    }
};
// f. big
struct biga : event_based_actor {
    int32_t id;
    long left;
    uint32_t s;
    biga(actor_config &c, int i) : event_based_actor(c), id(i), left(N), s(i * 7919 + 12345)
    {
    }
    void ping()
    {
        int32_t t;
        do
            t = xs(s) % 120;
        while (t == id);
        SEND(this, P[t], ping_v, id);
    }
    behavior make_behavior() override
    {
        return {[this](ping_atom, int32_t from) { SEND(this, P[from], pong_v, id); },
                [this](pong_atom, int32_t) {
                    if (--left == 0)
                        SEND(this, P[120], done_v);
                    else
                        ping();
                },
                [this](go_atom) { ping(); }};
    }
};
struct bigsink : event_based_actor {
    int d = 0;
    using event_based_actor::event_based_actor;
    behavior make_behavior() override
    {
        return {[this](done_atom) {
            if (++d == 120)
                fin();
        }};
    }
};
// g. chameneos
static int compl_(int a, int b)
{
    return a == b ? a : 3 - a - b;
}
struct creature : event_based_actor {
    int32_t id, col;
    long met = 0;
    creature(actor_config &c, int i) : event_based_actor(c), id(i), col(i % 3)
    {
    }
    behavior make_behavior() override
    {
        return {[this](meet_atom, int32_t from, int32_t c) {
                    col = compl_(col, c);
                    ++met;
                    SEND(this, P[from], change_v, col);
                    SEND(this, P[100], meet_v, id, col);
                },
                [this](change_atom, int32_t c) {
                    col = c;
                    ++met;
                    SEND(this, P[100], meet_v, id, col);
                },
                [this](done_atom) {
                    SEND(this, P[100], res_v, int64_t(met));
                    quit();
                },
                [this](go_atom) { SEND(this, P[100], meet_v, id, col); }};
    }
};
struct mall : event_based_actor {
    long left;
    int32_t w = -1;
    int fin_n = 0;
    int64_t sum = 0;
    mall(actor_config &c) : event_based_actor(c), left(N)
    {
    }
    behavior make_behavior() override
    {
        return {[this](meet_atom, int32_t from, int32_t c) {
                    if (left > 0) {
                        if (w < 0)
                            w = from;
                        else {
                            --left;
                            SEND(this, P[w], meet_v, from, c);
                            w = -1;
                        }
                    } else
                        SEND(this, P[from], done_v);
                },
                [this](res_atom, int64_t m) {
                    sum += m;
                    if (++fin_n == 100) {
                        if (sum != 2 * N)
                            abort();
                        fin();
                    }
                }};
    }
};
// h. N:1
struct sinkn : event_based_actor {
    long n = 0;
    using event_based_actor::event_based_actor;
    behavior make_behavior() override
    {
        return {[this](inc_atom) {
            if (++n == N * 20)
                fin();
        }};
    }
};
struct prodn : event_based_actor {
    using event_based_actor::event_based_actor;
    behavior make_behavior() override
    {
        return {[this](go_atom) {
            for (long i = 0; i < N; ++i)
                SEND(this, P[0], inc_v);
        }};
    }
};
// i. skynet tree
struct sky : event_based_actor {
    actor par;
    int64_t num, size, sum = 0;
    int got = 0;
    sky(actor_config &c, actor p, int64_t n, int64_t s)
        : event_based_actor(c), par(std::move(p)), num(n), size(s)
    {
    }
    behavior make_behavior() override
    {
        if (size == 1) {
            SEND(this, par, num);
            return {};
        }
        for (int i = 0; i < 10; ++i)
            spawn<sky>(actor_cast<actor>(this), num + i * (size / 10), size / 10);
        return {[this](int64_t v) {
            sum += v;
            if (++got == 10) {
                SEND(this, par, sum);
                quit();
            }
        }};
    }
};
struct skyroot : event_based_actor {
    using event_based_actor::event_based_actor;
    behavior make_behavior() override
    {
        return {[this](go_atom) { spawn<sky>(actor_cast<actor>(this), int64_t(0), int64_t(N)); },
                [this](int64_t v) {
                    if (v != N * (N - 1) / 2)
                        abort();
                    fin();
                }};
    }
};
int main(int argc, char **argv)
{
    std::string b = argv[1];
    int w = atoi(argv[2]);
    N = argc > 3 ? atol(argv[3]) : 0;
#if CAF_VERSION >= 1800
    init_global_meta_objects<id_block::bench>();
    core::init_global_meta_objects();
#endif
    actor_system_config cfg;
#if CAF_VERSION < 1800
    cfg.set("scheduler.max-threads", size_t(w));
#else
    cfg.set("caf.scheduler.max-threads", size_t(w));
#endif
    actor_system sys{cfg};
    auto D = [&](long n) {
        if (!N)
            N = n;
    };
    double msgs = 0;
    long rss0 = 0;
    const char *unit = "Mmsg/s";
    auto start = [&] { T0 = clk::now(); };
    if (b == "pingpong") {
        D(2000000);
        P = {sys.spawn<pinger>(), sys.spawn<ponger>()};
        start();
        ANON(P[0], go_v);
        msgs = 2.0 * N;
    } else if (b == "ring") {
        D(2000000);
        for (int i = 0; i < 100; ++i)
            P.push_back(sys.spawn<ringa>((i + 1) % 100));
        start();
        ANON(P[0], int32_t(N));
        msgs = N;
    } else if (b == "counting") {
        D(5000000);
        P = {sys.spawn<counter>(), sys.spawn<producer>()};
        start();
        ANON(P[1], go_v);
        msgs = N;
    } else if (b == "create") {
        D(1000000);
        auto a = sys.spawn<creator>();
        start();
        ANON(a, go_v);
        msgs = N;
        unit = "Mactor/s";
    } else if (b == "idle") {
        D(1000000);
        P.resize(N);
        auto a = sys.spawn<idle_creator>();
        usleep(100000);
        rss0 = status_kb("VmRSS");
        start();
        ANON(a, go_v);
        msgs = N;
        unit = "B/actor";
    } else if (b == "fjthr") {
        D(100000);
        for (int i = 0; i < 60; ++i)
            P.push_back(sys.spawn<fjt>());
        P.push_back(sys.spawn<fjm>());
        start();
        ANON(P[60], go_v);
        msgs = 60.0 * N;
    } else if (b == "big") {
        D(20000);
        for (int i = 0; i < 120; ++i)
            P.push_back(sys.spawn<biga>(i));
        P.push_back(sys.spawn<bigsink>());
        start();
        for (int i = 0; i < 120; ++i)
            ANON(P[i], go_v);
        msgs = 240.0 * N;
    } else if (b == "chameneos") {
        D(2000000);
        for (int i = 0; i < 100; ++i)
            P.push_back(sys.spawn<creature>(i));
        P.push_back(sys.spawn<mall>());
        start();
        for (int i = 0; i < 100; ++i)
            ANON(P[i], go_v);
        msgs = N;
        unit = "Mmeet/s";
    } else if (b == "n1") {
        D(500000);
        P.push_back(sys.spawn<sinkn>());
        for (int i = 0; i < 20; ++i)
            P.push_back(sys.spawn<prodn>());
        start();
        for (int i = 1; i <= 20; ++i)
            ANON(P[i], go_v);
        msgs = 20.0 * N;
    } else if (b == "skynet") {
        D(1000000);
        auto a = sys.spawn<skyroot>();
        start();
        ANON(a, go_v);
        msgs = N;
        unit = "ms";
    } else
        return 1;
    DONE.get_future().wait();
    double s = std::chrono::duration<double>(T1 - T0).count(), v = msgs / s / 1e6;
    if (b == "pingpong") {
        v = s / msgs * 1e6;
        unit = "us/msg";
    }
    if (b == "skynet")
        v = s * 1e3;
    if (b == "idle") {
        usleep(100000);
        v = (status_kb("VmRSS") - rss0) * 1024.0 / N;
    }
    printf("RESULT %s %s %d %.4f %s %ld\n", PEER, b.c_str(), w, v, unit, status_kb("VmHWM"));
    fflush(stdout);
    _exit(0);
}
