// ELF check: files made byte by byte, one reason for refusal each.
#include "elf_check.h"

#include "tool_kit.h"

#include <elf.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/neap-elf-XXXXXX";

static int make_folder(void **state)
{
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static int remove_folder(void **state)
{
    char command[64];
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

// Writes a file and returns its path, which stays valid until the next call.
static const char *given_file(const char *name, const void *bytes, size_t n_bytes, mode_t mode)
{
    static char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, n_bytes, file), n_bytes);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
    return path;
}

#if UINTPTR_MAX == 0xffffffffffffffffu

// A program of our own kind; what differs from it is the test.
struct image {
    Elf64_Ehdr header;
    Elf64_Phdr rows[2];
    char       loader[32];
};

static struct image own_image(void)
{
    struct image image = {0};
    FILE        *self = fopen("/proc/self/exe", "r");
    assert_non_null(self);
    assert_int_equal(fread(&image.header, sizeof image.header, 1, self), 1);
    assert_int_equal(fclose(self), 0);
    image.header.e_phoff = offsetof(struct image, rows);
    image.header.e_phnum = 2;
    image.rows[0].p_type = PT_LOAD;
    image.rows[1].p_type = PT_INTERP;
    image.rows[1].p_offset = offsetof(struct image, loader);
    image.rows[1].p_filesz = sizeof image.loader;
    (void)strcpy(image.loader, "/bin/sh");   // is there, wherever the real one is
    return image;
}

static enum elf_verdict verdict_of(const struct image *image, mode_t mode, const char *reason)
{
    struct elf_report report;
    elf_check_command(given_file("image", image, sizeof *image, mode), &report);
    if (reason != NULL)
        expect_holds(report.reason, reason);
    else
        assert_string_equal(report.reason, "");
    return report.verdict;
}

static void a_dynamic_program_fits(void **state)
{
    struct image image = own_image();
    assert_int_equal(verdict_of(&image, 0755, NULL), ELF_FITS);
}

static void another_machine_class_or_byte_order_is_foreign(void **state)
{
    struct image image = own_image();
    image.header.e_machine = image.header.e_machine == EM_AARCH64 ? EM_X86_64 : EM_AARCH64;
    assert_int_equal(verdict_of(&image, 0755, "built for 64-bit"), ELF_FOREIGN);
    image = own_image();
    image.header.e_ident[EI_CLASS] = ELFCLASS32;
    assert_int_equal(verdict_of(&image, 0755, "built for 32-bit"), ELF_FOREIGN);
    image = own_image();
    image.header.e_ident[EI_DATA] ^= ELFDATA2LSB ^ ELFDATA2MSB;
    assert_int_equal(verdict_of(&image, 0755, "architecture"), ELF_FOREIGN);
}

static void without_a_loader_it_is_static(void **state)
{
    struct image image = own_image();
    image.rows[1].p_type = PT_NOTE;
    assert_int_equal(verdict_of(&image, 0755, "statically linked"), ELF_STATIC);
}

static void the_loader_of_another_c_library_is_refused(void **state)
{
    struct image image = own_image();
    (void)strcpy(image.loader, "/lib/ld-musl-x86_64.so.1");
    assert_int_equal(verdict_of(&image, 0755, "musl"), ELF_OTHER_LOADER);
}

static void a_loader_that_is_missing_is_told(void **state)
{
    struct image image = own_image();
    (void)strcpy(image.loader, "/no/ld.so");
    assert_int_equal(verdict_of(&image, 0755, "its loader is missing: /no/ld.so"),
                     ELF_NOT_EXECUTABLE);
}

static void set_uid_and_set_gid_are_refused(void **state)
{
    struct image image = own_image();
    assert_int_equal(verdict_of(&image, 04755, "set-uid"), ELF_PRIVILEGED);
    assert_int_equal(verdict_of(&image, 02755, "set-gid"), ELF_PRIVILEGED);
    assert_int_equal(verdict_of(&image, 02744, NULL), ELF_FITS);   // means locking, not set-gid
}

static void damaged_headers_are_noticed(void **state)
{
    struct image image = own_image();
    image.header.e_phoff = 1u << 30;
    assert_int_equal(verdict_of(&image, 0755, "damaged"), ELF_NOT_EXECUTABLE);
    image = own_image();
    image.header.e_phnum = 0;
    assert_int_equal(verdict_of(&image, 0755, "damaged"), ELF_NOT_EXECUTABLE);
    image = own_image();
    image.header.e_phentsize = 8;
    assert_int_equal(verdict_of(&image, 0755, "damaged"), ELF_NOT_EXECUTABLE);

    struct elf_report report;
    elf_check_command(given_file("image", &image, 20, 0755), &report);
    assert_int_equal(report.verdict, ELF_NOT_EXECUTABLE);
}

static void a_library_must_be_of_our_kind(void **state)
{
    struct elf_report report;
    struct image      image = own_image();
    elf_check_library(given_file("lib", &image, sizeof image, 0644), &report);
    assert_int_equal(report.verdict, ELF_FITS);
    image.header.e_machine = EM_68K;
    elf_check_library(given_file("lib", &image, sizeof image, 0644), &report);
    assert_int_equal(report.verdict, ELF_FOREIGN);
    elf_check_library(given_file("lib", "INPUT(x)", 8, 0644), &report);
    assert_int_equal(report.verdict, ELF_NOT_EXECUTABLE);
    elf_check_library("/nowhere/lib.so", &report);
    assert_int_equal(report.verdict, ELF_MISSING);
}

#define IMAGE_TESTS                                                                                \
    cmocka_unit_test(a_dynamic_program_fits),                                                      \
        cmocka_unit_test(another_machine_class_or_byte_order_is_foreign),                          \
        cmocka_unit_test(without_a_loader_it_is_static),                                           \
        cmocka_unit_test(the_loader_of_another_c_library_is_refused),                              \
        cmocka_unit_test(a_loader_that_is_missing_is_told),                                        \
        cmocka_unit_test(set_uid_and_set_gid_are_refused),                                         \
        cmocka_unit_test(damaged_headers_are_noticed),                                             \
        cmocka_unit_test(a_library_must_be_of_our_kind),
#else
#define IMAGE_TESTS
#endif

static enum elf_verdict verdict_of_text(const char *text, mode_t mode)
{
    struct elf_report report;
    elf_check_command(given_file("text", text, strlen(text), mode), &report);
    return report.verdict;
}

static void scripts_are_judged_by_their_interpreter(void **state)
{
    assert_int_equal(verdict_of_text("#!/bin/sh\n", 0755), ELF_FITS);
    assert_int_equal(verdict_of_text("#! /bin/sh -e\n", 0755), ELF_FITS);
    assert_int_equal(verdict_of_text("echo no interpreter: a shell runs it\n", 0755), ELF_FITS);
    assert_int_equal(verdict_of_text("#!\n", 0755), ELF_NOT_EXECUTABLE);
    assert_int_equal(verdict_of_text("#!/nowhere/sh\n", 0755), ELF_NOT_EXECUTABLE);
    assert_int_equal(verdict_of_text("#!/etc/passwd\n", 0755), ELF_NOT_EXECUTABLE);
}

static void what_cannot_be_executed_is_told_from_what_is_missing(void **state)
{
    struct elf_report report;
    elf_check_command("/nowhere/program", &report);
    assert_int_equal(report.verdict, ELF_MISSING);
    elf_check_command("/etc/passwd/program", &report);
    assert_int_equal(report.verdict, ELF_MISSING);
    elf_check_command(folder, &report);
    assert_int_equal(report.verdict, ELF_NOT_EXECUTABLE);
    assert_int_equal(verdict_of_text("#!/bin/sh\n", 0644), ELF_NOT_EXECUTABLE);
}

static void machines_without_a_name_are_numbers(void **state)
{
    char buffer[32];
    assert_string_equal(elf_machine_name(EM_AARCH64, buffer, sizeof buffer), "aarch64");
    assert_string_equal(elf_machine_name(54321, buffer, sizeof buffer), "machine 54321");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IMAGE_TESTS cmocka_unit_test(scripts_are_judged_by_their_interpreter),
        cmocka_unit_test(what_cannot_be_executed_is_told_from_what_is_missing),
        cmocka_unit_test(machines_without_a_name_are_numbers),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
