/* Between mq_file.c and mqueue_fs.c. */
#pragma once
extern const struct inode_ops mq_inode_ops; /* inode->private: struct mq_queue */
