/* Memory and strings, as ISO C has them; the compiler emits calls to the mem* functions too. */
#pragma once
#include "kernel/lib/compiler.h"

void *memcpy(void *restrict dst, const void *restrict src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *s, int c, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
/* Copies at most size - 1 bytes and terminates. => length of src; truncated when >= size. */
size_t strlcpy(char *dst, const char *src, size_t size);
