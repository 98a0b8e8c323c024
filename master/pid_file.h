/* SPDX-License-Identifier: BSD-2-Clause */
/* The file that holds the master's process id, for those who want one. */
#ifndef MASTER_PID_FILE_H
#define MASTER_PID_FILE_H

/*
 * Writes `path`, unless it is what *current names already, and removes the
 * one before. "" is no file. *current is a string of our own, or NULL. A file
 * that cannot be written is an error in the log and no more.
 */
void pid_file_move(char **current, const char *path);

/* It is another master's now: forgets it, and leaves it where it is, unless
 * that master writes another and this one is still ours. */
void pid_file_leave(char **current);

#endif
