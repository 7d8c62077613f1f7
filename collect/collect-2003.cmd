@echo off
rem Collects what plainsight reads about IPsec on Windows XP and Server 2003. Run as administrator.
rem
rem   collect-2003.cmd FOLDER [TIMESERVER]
rem
rem Changes nothing but this: it creates FOLDER and its files. It does not restart services, does not clear
rem logs, does not change policy or auditing and does not set the clock. It captures no packets, because
rem these systems have no tool for that: capture beside the host with Network Monitor, Wireshark or a tap.
rem It sends nothing to the network but requests for the time to TIMESERVER, and none without it.

setlocal
if "%~1"=="" (
    echo Usage: %~nx0 FOLDER [TIMESERVER]
    exit /b 2
)
if exist "%~1" (
    echo "%~1" exists; name a new folder, so that nothing is overwritten.
    exit /b 2
)
mkdir "%~1" || exit /b 1
set "OUT=%~f1"

echo computer %COMPUTERNAME%> "%OUT%\collection.txt"
ver>> "%OUT%\collection.txt"
echo begin %DATE% %TIME%>> "%OUT%\collection.txt"
rem Offset of the time zone in minutes, as the registry has it.
reg query "HKLM\SYSTEM\CurrentControlSet\Control\TimeZoneInformation" /v ActiveTimeBias>> "%OUT%\collection.txt" 2>&1

ipconfig /all> "%OUT%\ipconfig.txt" 2>&1
if not "%~2"=="" w32tm /stripchart /computer:%~2 /samples:5 /dataonly> "%OUT%\w32tm-offset.txt" 2>&1

rem Policy: what ought to have been protected. The form that "plainsight policy import" reads. XP has no
rem "netsh ipsec": there the file holds its error message, and the registry below holds the policy.
netsh ipsec static dump> "%OUT%\netsh-ipsec-dump.txt" 2>&1
reg query "HKLM\SOFTWARE\Policies\Microsoft\Windows\IPSec\Policy" /s> "%OUT%\ipsec-policy-registry.txt" 2>&1
rem State: SAs, filters and statistics at this moment.
netsh ipsec dynamic show all> "%OUT%\netsh-ipsec-state.txt" 2>&1
reg query "HKLM\SYSTEM\CurrentControlSet\Services\IPSec" /s> "%OUT%\ipsec-driver.txt" 2>&1

rem Logs as they are: cscript and WMI back them up without changing them.
>"%OUT%\backup.vbs" echo Set wmi = GetObject("winmgmts:{impersonationLevel=impersonate,(Backup,Security)}!\\.\root\cimv2")
>>"%OUT%\backup.vbs" echo For Each log In wmi.ExecQuery("SELECT * FROM Win32_NTEventLogFile")
>>"%OUT%\backup.vbs" echo   If log.LogFileName = "Security" Or log.LogFileName = "System" Or log.LogFileName = "Application" Then
>>"%OUT%\backup.vbs" echo     code = log.BackupEventLog(WScript.Arguments(0) ^& "\" ^& log.LogFileName ^& ".evt")
>>"%OUT%\backup.vbs" echo     WScript.Echo "log " ^& log.LogFileName ^& ": " ^& code
>>"%OUT%\backup.vbs" echo   End If
>>"%OUT%\backup.vbs" echo Next
cscript //nologo "%OUT%\backup.vbs" "%OUT%">> "%OUT%\collection.txt" 2>&1
del "%OUT%\backup.vbs"

rem The IKE log, where it was turned on before.
if exist "%windir%\debug\oakley.log" copy "%windir%\debug\oakley.log" "%OUT%\oakley.log">> "%OUT%\collection.txt" 2>&1

echo end %DATE% %TIME%>> "%OUT%\collection.txt"
echo Collected in "%OUT%". Take SHA-256 hashes of the files on the computer that receives them:
echo these systems have no tool for that.
endlocal
