#include "daemon/utf8.h"

static bool continues(unsigned char byte)
{
    return (byte & 0xc0) == 0x80;
}

/* Table 3-7 of the Unicode standard: the second byte's bounds depend on the first. */
size_t utf8_length(const char *text, size_t len)
{
    const unsigned char *b = (const unsigned char *)text;
    unsigned char low = 0x80;
    unsigned char high = 0xbf;

    if (len == 0)
        return 0;
    if (b[0] < 0x80)
        return 1;
    if (b[0] >= 0xc2 && b[0] <= 0xdf)
        return len >= 2 && continues(b[1]) ? 2 : 0;
    if ((b[0] & 0xf0) == 0xe0) {
        if (b[0] == 0xe0)
            low = 0xa0;
        if (b[0] == 0xed)
            high = 0x9f;
        return len >= 3 && b[1] >= low && b[1] <= high && continues(b[2]) ? 3 : 0;
    }
    if (b[0] >= 0xf0 && b[0] <= 0xf4) {
        if (b[0] == 0xf0)
            low = 0x90;
        if (b[0] == 0xf4)
            high = 0x8f;
        return len >= 4 && b[1] >= low && b[1] <= high && continues(b[2]) && continues(b[3]) ? 4
                                                                                             : 0;
    }
    return 0;
}

size_t utf8_put(uint32_t code, char out[4])
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xc0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xe0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3f));
        out[2] = (char)(0x80 | (code & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3f));
    out[2] = (char)(0x80 | (code >> 6 & 0x3f));
    out[3] = (char)(0x80 | (code & 0x3f));
    return 4;
}

bool utf8_valid(const char *text, size_t len)
{
    size_t at = 0;

    while (at < len) {
        size_t n = utf8_length(text + at, len - at);

        if (n == 0)
            return false;
        at += n;
    }
    return true;
}
