/* Mappings of objects that mmap(2) makes itself: shared anonymous memory, huge pages; as /proc/PID/maps shows them. */
#include "kernel/mm/huge.h"
#include "kernel/mm/aspace.h"

static const char *shared_name(struct vm_area *a)
{
	return "/dev/zero (deleted)";
}
static const char *huge_name(struct vm_area *a)
{
	return "/anon_hugepage (deleted)";
}
static u64 object_number(struct vm_area *a)
{
	return a->object->id;
}
static const struct vm_area_ops shared_ops = {.name = shared_name, .number = object_number};
static const struct vm_area_ops huge_ops = {.name = huge_name, .number = object_number};

int vm_request_shared(struct vm_map_request *req)
{
	req->object = vm_object_new(req->length, NULL, NULL);
	req->ops = &shared_ops;
	return req->object ? 0 : -ENOMEM;
}

int vm_request_huge(struct vm_map_request *req)
{
	req->object = huge_object_new(req->length, NULL, NULL);
	req->ops = &huge_ops;
	req->flags |= VM_HUGE | VM_DONTEXPAND;
	return req->object ? 0 : -ENOMEM;
}
