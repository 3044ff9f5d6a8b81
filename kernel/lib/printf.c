#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"

enum { FLAG_LEFT = 1, FLAG_ZERO = 2, FLAG_PLUS = 4, FLAG_SPACE = 8, FLAG_ALT = 16 };

/* Where the text goes: the part beyond `size` is only counted. */
struct sink {
	char *buf;
	size_t size, length;
};

struct spec {
	u32 flags;
	int width, precision; /* precision -1: none given */
	int bytes;            /* of the integer argument */
};

static void put(struct sink *s, char c)
{
	if (s->length < s->size)
		s->buf[s->length] = c;
	s->length++;
}

static void put_bytes(struct sink *s, const char *text, size_t n)
{
	size_t room = s->length < s->size ? s->size - s->length : 0;

	/* Short ones are the rule: digits, names. */
	for (size_t i = 0, end = MIN(n, room); i < end; i++)
		s->buf[s->length + i] = text[i];
	s->length += n;
}

static void put_repeated(struct sink *s, char c, int n)
{
	while (n-- > 0)
		put(s, c);
}

/* prefix, zeroes up to the precision, then the digits, padded to the width. */
static void put_field(struct sink *s, const struct spec *spec, const char *prefix, int zeroes,
                      const char *text, int n)
{
	int prefix_length = (int)strlen(prefix);
	int pad = spec->width - prefix_length - MAX(zeroes, 0) - n;

	if (!(spec->flags & FLAG_LEFT))
		put_repeated(s, ' ', pad);
	while (*prefix)
		put(s, *prefix++);
	put_repeated(s, '0', zeroes);
	put_bytes(s, text, (size_t)n);
	if (spec->flags & FLAG_LEFT)
		put_repeated(s, ' ', pad);
}

static const char *sign_prefix(u32 flags, bool negative)
{
	if (negative)
		return "-";
	if (flags & FLAG_PLUS)
		return "+";
	return flags & FLAG_SPACE ? " " : "";
}

/* Writes the digits so that they end before `end`; none for 0. => the first. A constant base divides by multiplying. */
static char *put_digits(char *end, u64 value, u32 base, bool upper)
{
	const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";

	if (base == 10)
		for (; value; value /= 10)
			*--end = (char)('0' + value % 10);
	else
		for (u32 shift = base == 16 ? 4 : 3; value; value >>= shift)
			*--end = digits[value & (base - 1)];
	return end;
}

static void put_number(struct sink *s, const struct spec *spec, u64 value, char conversion,
                       const char *prefix)
{
	u32 base = conversion == 'o' ? 8 : conversion == 'x' || conversion == 'X' ? 16 : 10;
	char text[24], *p = put_digits(text + sizeof(text), value, base, conversion == 'X');
	int n, zeroes;

	if (spec->flags & FLAG_ALT && value && base == 16)
		prefix = conversion == 'X' ? "0X" : "0x";
	n = (int)(text + sizeof(text) - p);
	zeroes = (spec->precision < 0 ? 1 : spec->precision) - n;
	if (spec->flags & FLAG_ALT && base == 8 && zeroes < 1)
		zeroes = 1;
	if (spec->flags & FLAG_ZERO && !(spec->flags & FLAG_LEFT) && spec->precision < 0)
		zeroes = MAX(zeroes, spec->width - (int)strlen(prefix) - n);
	put_field(s, spec, prefix, zeroes, p, n);
}

static const char *parse_flags(const char *f, struct spec *spec)
{
	for (;; f++) {
		switch (*f) {
		case '-': spec->flags |= FLAG_LEFT; break;
		case '0': spec->flags |= FLAG_ZERO; break;
		case '+': spec->flags |= FLAG_PLUS; break;
		case ' ': spec->flags |= FLAG_SPACE; break;
		case '#': spec->flags |= FLAG_ALT; break;
		default: return f;
		}
	}
}

static const char *parse_int(const char *f, int *out, va_list *ap)
{
	int n = 0;

	if (*f == '*') {
		*out = va_arg(*ap, int);
		return f + 1;
	}
	for (; *f >= '0' && *f <= '9'; f++)
		n = n * 10 + (*f - '0');
	*out = n;
	return f;
}

static const char *parse_length(const char *f, struct spec *spec)
{
	spec->bytes = 4;
	switch (*f) {
	case 'h': spec->bytes = f[1] == 'h' ? 1 : 2; return f + (f[1] == 'h' ? 2 : 1);
	case 'l': spec->bytes = 8; return f + (f[1] == 'l' ? 2 : 1);
	case 'z':
	case 't':
	case 'j': spec->bytes = 8; return f + 1;
	}
	return f;
}

static const char *parse_spec(const char *f, struct spec *spec, va_list *ap)
{
	*spec = (struct spec){.precision = -1};
	f = parse_int(parse_flags(f, spec), &spec->width, ap);
	if (spec->width < 0) {
		spec->flags |= FLAG_LEFT;
		spec->width = -spec->width;
	}
	if (*f == '.')
		f = parse_int(f + 1, &spec->precision, ap);
	return parse_length(f, spec);
}

static void put_signed(struct sink *s, const struct spec *spec, va_list *ap)
{
	s64 value = spec->bytes == 8 ? va_arg(*ap, s64) : va_arg(*ap, int);

	if (spec->bytes == 2)
		value = (s16)value;
	else if (spec->bytes == 1)
		value = (s8)value;
	put_number(s, spec, value < 0 ? -(u64)value : (u64)value, 'd',
	           sign_prefix(spec->flags, value < 0));
}

static void put_unsigned(struct sink *s, const struct spec *spec, char conversion, va_list *ap)
{
	u64 value = spec->bytes == 8 ? va_arg(*ap, u64) : va_arg(*ap, u32);

	if (spec->bytes == 2)
		value = (u16)value;
	else if (spec->bytes == 1)
		value = (u8)value;
	put_number(s, spec, value, conversion, "");
}

static void put_string(struct sink *s, const struct spec *spec, const char *text)
{
	size_t max = spec->precision < 0 ? SIZE_MAX : (size_t)spec->precision;

	if (!text)
		text = "(null)";
	put_field(s, spec, "", 0, text, (int)strnlen(text, max));
}

static void put_conversion(struct sink *s, struct spec *spec, char conversion, va_list *ap)
{
	char c;

	switch (conversion) {
	case 'd':
	case 'i': put_signed(s, spec, ap); break;
	case 'u':
	case 'o':
	case 'x':
	case 'X': put_unsigned(s, spec, conversion, ap); break;
	case 'c':
		c = (char)va_arg(*ap, int);
		put_field(s, spec, "", 0, &c, 1);
		break;
	case 's': put_string(s, spec, va_arg(*ap, const char *)); break;
	case 'p':
		spec->flags |= FLAG_ALT;
		put_number(s, spec, (uintptr_t)va_arg(*ap, void *), 'x', "");
		break;
	default: put(s, conversion);
	}
}

int vsnprintf(char *buf, size_t size, const char *fmt, va_list args)
{
	struct sink s = {.buf = buf, .size = size};
	struct spec spec;
	va_list ap;

	/* A va_list parameter may be a pointer or an array: &ap is right for both. */
	va_copy(ap, args);
	for (; *fmt; fmt++) {
		const char *text = fmt;

		while (*fmt && *fmt != '%')
			fmt++;
		put_bytes(&s, text, (size_t)(fmt - text));
		if (!*fmt)
			break;
		fmt = parse_spec(fmt + 1, &spec, &ap);
		if (!*fmt)
			break;
		put_conversion(&s, &spec, *fmt, &ap);
	}
	va_end(ap);
	if (size)
		buf[MIN(s.length, size - 1)] = 0;
	return (int)s.length;
}

int snprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return n;
}

int scnprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return size ? MIN(n, (int)size - 1) : 0;
}
