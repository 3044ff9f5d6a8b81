/* Terminals of the Linux x86-64 ABI: termios(3), ioctl_tty(2). */
#pragma once
#include "abi/types.h"

enum { NCCS_KERNEL = 19, NCC_TERMIO = 8 };

struct termios_abi { /* TCGETS */
	u32 c_iflag, c_oflag, c_cflag, c_lflag;
	u8 c_line;
	u8 c_cc[NCCS_KERNEL];
};
_Static_assert(sizeof(struct termios_abi) == 36, "TCGETS");

struct termios2_abi { /* TCGETS2 */
	u32 c_iflag, c_oflag, c_cflag, c_lflag;
	u8 c_line;
	u8 c_cc[NCCS_KERNEL];
	u32 c_ispeed, c_ospeed;
};
_Static_assert(sizeof(struct termios2_abi) == 44, "TCGETS2");

struct termio_abi { /* TCGETA */
	u16 c_iflag, c_oflag, c_cflag, c_lflag;
	u8 c_line;
	u8 c_cc[NCC_TERMIO];
};
_Static_assert(sizeof(struct termio_abi) == 18, "TCGETA");

struct winsize_abi {
	u16 ws_row, ws_col, ws_xpixel, ws_ypixel;
};

enum { /* c_cc */
       VINTR,
       VQUIT,
       VERASE,
       VKILL,
       VEOF,
       VTIME,
       VMIN,
       VSWTC,
       VSTART,
       VSTOP,
       VSUSP,
       VEOL,
       VREPRINT,
       VDISCARD,
       VWERASE,
       VLNEXT,
       VEOL2
};
enum { /* c_iflag */
       IGNBRK = 0000001,
       BRKINT = 0000002,
       IGNPAR = 0000004,
       PARMRK = 0000010,
       INPCK = 0000020,
       ISTRIP = 0000040,
       INLCR = 0000100,
       IGNCR = 0000200,
       ICRNL = 0000400,
       IUCLC = 0001000,
       IXON = 0002000,
       IXANY = 0004000,
       IXOFF = 0010000,
       IMAXBEL = 0020000,
       IUTF8 = 0040000
};
enum { /* c_oflag */
       OPOST = 0000001,
       OLCUC = 0000002,
       ONLCR = 0000004,
       OCRNL = 0000010,
       ONOCR = 0000020,
       ONLRET = 0000040,
       TABDLY = 0014000,
       XTABS = 0014000
};
enum { /* c_cflag */
       CBAUD = 0010017,
       CBAUDEX = 0010000,
       B38400 = 0000017,
       B115200 = 0010002,
       CSIZE = 0000060,
       CS8 = 0000060,
       CREAD = 0000200,
       HUPCL = 0002000,
       CLOCAL = 0004000
};
enum { /* c_lflag */
       ISIG = 0000001,
       ICANON = 0000002,
       XCASE = 0000004,
       ECHO = 0000010,
       ECHOE = 0000020,
       ECHOK = 0000040,
       ECHONL = 0000100,
       NOFLSH = 0000200,
       TOSTOP = 0000400,
       ECHOCTL = 0001000,
       ECHOPRT = 0002000,
       ECHOKE = 0004000,
       FLUSHO = 0010000,
       PENDIN = 0040000,
       IEXTEN = 0100000,
       EXTPROC = 0200000
};
enum { TCOOFF, TCOON, TCIOFF, TCION };
enum { TCIFLUSH, TCOFLUSH, TCIOFLUSH };

enum { /* requests of ioctl(2) */
       TCGETS = 0x5401,
       TCSETS,
       TCSETSW,
       TCSETSF,
       TCGETA,
       TCSETA,
       TCSETAW,
       TCSETAF,
       TCSBRK,
       TCXONC,
       TCFLSH,
       TIOCEXCL,
       TIOCNXCL,
       TIOCSCTTY,
       TIOCGPGRP,
       TIOCSPGRP,
       TIOCOUTQ,
       TIOCSTI,
       TIOCGWINSZ,
       TIOCSWINSZ,
       TIOCMGET,
       TIOCMBIS,
       TIOCMBIC,
       TIOCMSET,
       TIOCGSOFTCAR,
       TIOCSSOFTCAR,
       FIONREAD,
       TIOCCONS = 0x541d,
       TIOCGSERIAL,
       TIOCSSERIAL,
       TIOCPKT,
       FIONBIO,
       TIOCNOTTY,
       TIOCSETD,
       TIOCGETD,
       TCSBRKP,
       TIOCSBRK = 0x5427,
       TIOCCBRK,
       TIOCGSID,
       TIOCVHANGUP = 0x5437,
       FIONCLEX = 0x5450,
       FIOCLEX,
       FIOASYNC,
       FIOQSIZE = 0x5460,
       FIGETBSZ = 2
};
#define TCGETS2     0x802c542au
#define TCSETS2     0x402c542bu
#define TCSETSW2    0x402c542cu
#define TCSETSF2    0x402c542du
#define TIOCGPTN    0x80045430u
#define TIOCSPTLCK  0x40045431u
#define TIOCGDEV    0x80045432u
#define TIOCGPKT    0x80045438u
#define TIOCGPTLCK  0x80045439u
#define TIOCGEXCL   0x80045440u
#define TIOCGPTPEER 0x5441u
enum { TIOCM_DTR = 2, TIOCM_RTS = 4, TIOCM_CTS = 0x20, TIOCM_CAR = 0x40, TIOCM_DSR = 0x100 };
