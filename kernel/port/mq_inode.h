/* Between mq_file.c, which says what an open queue does, and mqueue_fs.c, which makes the inodes. */
#pragma once

/* Of an inode whose `private` is a struct mq_queue, which it owns. */
extern const struct inode_ops mq_inode_ops;
