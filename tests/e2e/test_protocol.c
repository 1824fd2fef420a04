/* The command protocol, by the bytes. */
#include "tests/e2e/harness.h"
#include "tests/support/suite.h"

START_TEST(ask_brings_a_payload_back_by_the_byte)
{
    server *s = server_start(CHILDREN "    - {name: echo, echo: {}}\n");
    static const char payload[] = "{\"n\":123456789012345678901234567890,\"a\":1,\"a\":2}";
    expect_result(rpcf(s, "ask", "{\"to\":\"echo\",\"msg\":%s}", payload), payload);
    server_stop(s);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {ask_brings_a_payload_back_by_the_byte, NULL};
    return suite_run("protocol", tests, NULL, NULL);
}
