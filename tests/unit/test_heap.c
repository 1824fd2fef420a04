/* The daemon's containers: the heap of due times and the table of names. */
#include "daemon/heap.h"
#include "daemon/table.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>

enum { MANY = 1000 };

START_TEST(an_empty_heap_has_no_first)
{
    heap h = {0};
    ck_assert_ptr_null(heap_first(&h));
    heap_free(&h);
}
END_TEST

START_TEST(nodes_come_out_in_order_whatever_order_they_went_in)
{
    static heap_node nodes[MANY];
    heap h = {0};
    uint32_t x = 12345;
    ck_assert(heap_reserve(&h, MANY));
    for (int i = 0; i < MANY; i++) {
        x = x * 1664525u + 1013904223u;
        heap_put(&h, &nodes[i], x >> 8);
    }
    int64_t last = -1;
    for (int i = 0; i < MANY; i++) {
        heap_node *n = heap_first(&h);
        ck_assert_int_ge(n->key, last);
        last = n->key;
        heap_remove(&h, n);
        ck_assert_uint_eq(n->place, 0);
    }
    ck_assert_ptr_null(heap_first(&h));
    heap_free(&h);
}
END_TEST

START_TEST(a_node_can_move_to_an_earlier_and_to_a_later_key)
{
    heap_node a = {0}, b = {0}, c = {0};
    heap h = {0};
    ck_assert(heap_reserve(&h, 3));
    heap_put(&h, &a, 10);
    heap_put(&h, &b, 20);
    heap_put(&h, &c, 30);
    heap_put(&h, &c, 5);
    ck_assert_ptr_eq(heap_first(&h), &c);
    heap_put(&h, &c, 15);
    ck_assert_ptr_eq(heap_first(&h), &a);
    ck_assert_uint_eq(h.count, 3);
    heap_free(&h);
}
END_TEST

START_TEST(removing_from_the_middle_keeps_the_order_and_twice_is_fine)
{
    static heap_node nodes[MANY];
    heap h = {0};
    ck_assert(heap_reserve(&h, MANY));
    for (int i = 0; i < MANY; i++)
        heap_put(&h, &nodes[i], (i * 7919) % MANY);
    for (int i = 0; i < MANY; i += 3) {
        heap_remove(&h, &nodes[i]);
        heap_remove(&h, &nodes[i]);
    }
    int64_t last = -1;
    size_t left = h.count;
    ck_assert_uint_eq(left, MANY - (MANY + 2) / 3);
    for (; left > 0; left--) {
        heap_node *n = heap_first(&h);
        ck_assert_int_ge(n->key, last);
        last = n->key;
        heap_remove(&h, n);
    }
    heap_free(&h);
}
END_TEST

typedef struct named {
    table_node node;
    char name[16];
} named;

START_TEST(a_table_finds_what_was_added_while_it_grows)
{
    static named things[MANY];
    table t;
    ck_assert(table_init(&t));
    for (int i = 0; i < MANY; i++) {
        snprintf(things[i].name, sizeof things[i].name, "thing-%d", i);
        table_add(&t, &things[i].node, things[i].name);
    }
    ck_assert_uint_eq(t.count, MANY);
    for (int i = 0; i < MANY; i++)
        ck_assert_ptr_eq(table_find(&t, things[i].name), &things[i].node);
    ck_assert_ptr_null(table_find(&t, "thing"));
    table_fini(&t);
}
END_TEST

START_TEST(a_walk_meets_every_node_once_and_removed_ones_never)
{
    static named things[MANY];
    table t;
    ck_assert(table_init(&t));
    for (int i = 0; i < MANY; i++) {
        snprintf(things[i].name, sizeof things[i].name, "thing-%d", i);
        table_add(&t, &things[i].node, things[i].name);
    }
    for (int i = 0; i < MANY; i += 2)
        table_remove(&t, &things[i].node);
    bool seen[MANY] = {false};
    for (table_node *n = NULL; (n = table_next(&t, n));) {
        long i = CONTAINER(n, named, node) - things;
        ck_assert_int_eq(i % 2, 1);
        ck_assert(!seen[i]);
        seen[i] = true;
    }
    for (int i = 1; i < MANY; i += 2)
        ck_assert(seen[i]);
    table_fini(&t);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {an_empty_heap_has_no_first,
                                  nodes_come_out_in_order_whatever_order_they_went_in,
                                  a_node_can_move_to_an_earlier_and_to_a_later_key,
                                  removing_from_the_middle_keeps_the_order_and_twice_is_fine,
                                  a_table_finds_what_was_added_while_it_grows,
                                  a_walk_meets_every_node_once_and_removed_ones_never,
                                  NULL};
    return suite_run("heap", tests, NULL, NULL);
}
